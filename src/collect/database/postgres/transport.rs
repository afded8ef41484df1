//! Opens a connection to one endpoint and limits how much the server may send.

use crate::collect::database::postgres::message_guard::{Content, Guarded, Messages, Traffic};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode, SslNegotiation, TargetSessionAttrs};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken, Client, Config, Error, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why no connection could be opened.
pub enum Failure {
    /// The socket could not be connected.
    Socket(io::Error),
    /// The driver reported an error. `Traffic` records what the server sent.
    Driver(Error, Arc<Traffic>),
    /// The server does not have the requested role (`target_session_attrs`).
    Role(&'static str),
}

/// A connection to one endpoint.
pub struct Opened {
    /// The driver's client.
    pub client: Client,
    /// The traffic from the server.
    pub traffic: Arc<Traffic>,
    /// How to reach the same server again.
    pub server: ServerAddress,
}

/// The address of the connected server, for requests that cancel a statement.
pub struct ServerAddress {
    place: Place,
    host: String,
    content: fn() -> Content,
}

/// PostgreSQL's default port.
const DEFAULT_PORT: u16 = 5432;

enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A connected TCP or Unix socket.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

type Socket = Box<dyn Stream>;

/// Connects to one endpoint, whose configuration names one host.
pub async fn open(config: &Config, tls: &MakeRustlsConnect) -> Result<Opened, Failure> {
    let place = place_of(config).map_err(Failure::Socket)?;
    let socket = connect_socket(&place, config.get_connect_timeout().copied());
    let socket = socket.await.map_err(Failure::Socket)?;
    let traffic = Arc::new(Traffic::default());
    let content = match config.get_ssl_negotiation() {
        SslNegotiation::Direct => || Content::DirectTls,
        _ => || Content::NegotiatedTls,
    };
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        _ => String::new(),
    };
    let server = ServerAddress { place, host, content };
    let client = log_in(config, tls, socket, &server, &traffic).await;
    let client = client.map_err(|error| Failure::Driver(error, traffic.clone()))?;
    let opened = Opened { client, traffic, server };
    check_role(config.get_target_session_attrs(), &opened).await?;
    Ok(opened)
}

/// Asks the server to cancel the running statement. If this fails, the statement runs until its
/// timeout.
pub async fn cancel(token: CancelToken, server: &ServerAddress, tls: &MakeRustlsConnect) {
    if let Ok(socket) = connect_socket(&server.place, None).await {
        let socket = Guarded::new(socket, (server.content)(), Arc::default());
        let _ = token.cancel_query_raw(socket, connector(tls, &server.host)).await;
    }
}

async fn log_in(
    config: &Config,
    tls: &MakeRustlsConnect,
    socket: Socket,
    server: &ServerAddress,
    traffic: &Arc<Traffic>,
) -> Result<Client, Error> {
    // The tasks end when the client is dropped. Calls to the client return the tasks' errors.
    if config.get_ssl_mode() == SslMode::Disable {
        let socket = Guarded::new(socket, Content::Messages(Messages::default()), traffic.clone());
        let (client, connection) = config.connect_raw(socket, NoTls).await?;
        tokio::spawn(connection);
        return Ok(client);
    }
    let socket = Guarded::new(socket, (server.content)(), traffic.clone());
    let tls = GuardedTls { inner: connector(tls, &server.host), traffic: traffic.clone() };
    let (client, connection) = config.connect_raw(socket, tls).await?;
    tokio::spawn(connection);
    Ok(client)
}

type Connector = <MakeRustlsConnect as MakeTlsConnect<Guarded<Socket>>>::TlsConnect;

fn connector(tls: &MakeRustlsConnect, host: &str) -> Connector {
    let Ok(connector) = MakeTlsConnect::<Guarded<Socket>>::make_tls_connect(&mut tls.clone(), host);
    connector
}

/// Guards the messages inside a TLS session.
struct GuardedTls {
    inner: Connector,
    traffic: Arc<Traffic>,
}

impl TlsConnect<Guarded<Socket>> for GuardedTls {
    type Stream = Guarded<<Connector as TlsConnect<Guarded<Socket>>>::Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Stream>> + Send>>;

    fn connect(self, socket: Guarded<Socket>) -> Self::Future {
        Box::pin(async move {
            let session = self.inner.connect(socket).await?;
            Ok(Guarded::new(session, Content::Messages(Messages::default()), self.traffic))
        })
    }
}

fn place_of(config: &Config) -> io::Result<Place> {
    let port = config.get_ports().first().copied().unwrap_or(DEFAULT_PORT);
    match (config.get_hostaddrs().first(), config.get_hosts().first()) {
        (Some(ip), _) => Ok(Place::Tcp(SocketAddr::new(*ip, port))),
        (None, Some(Host::Unix(folder))) => Ok(Place::Unix(folder.join(format!(".s.PGSQL.{port}")))),
        // The name has already been resolved.
        (None, _) => Err(io::Error::new(io::ErrorKind::InvalidInput, "no IP address")),
    }
}

async fn connect_socket(place: &Place, at_most: Option<Duration>) -> io::Result<Socket> {
    let connecting = async {
        let socket: Socket = match place {
            Place::Tcp(address) => {
                let socket = TcpStream::connect(address).await?;
                socket.set_nodelay(true)?;
                Box::new(socket)
            }
            Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        Ok(socket)
    };
    match at_most {
        Some(at_most) => timeout(at_most, connecting).await.unwrap_or(Err(io::ErrorKind::TimedOut.into())),
        None => connecting.await,
    }
}

/// Checks `target_session_attrs`, which can select a primary or a replica.
async fn check_role(wanted: TargetSessionAttrs, opened: &Opened) -> Result<(), Failure> {
    if wanted == TargetSessionAttrs::Any {
        return Ok(());
    }
    let answer = opened.client.simple_query("show transaction_read_only").await;
    let answer = answer.map_err(|error| Failure::Driver(error, opened.traffic.clone()))?;
    let read_only = answer.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => row.try_get(0).ok().flatten() == Some("on"),
        _ => false,
    });
    match (wanted, read_only) {
        (TargetSessionAttrs::ReadWrite, true) => Err(Failure::Role("does not allow writes")),
        (TargetSessionAttrs::ReadOnly, false) => Err(Failure::Role("is not read-only")),
        _ => Ok(()),
    }
}
