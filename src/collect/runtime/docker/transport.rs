//! Connections to the engine, one for each request. The number of connections is limited, and so is
//! the number of bytes that each may deliver, because a client that waits for a whole response
//! buffers all of it.

use crate::collect::cost::Sent;
use crate::collect::name_lookup::lookup;
use crate::collect::runtime::docker::tls_files;
use crate::evidence::{Reason, ReasonKind, System};
use bollard::BollardRequest;
use bollard::errors::Error;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{Duration, Instant};
use tokio_rustls::TlsConnector;

/// The maximum size of a list of containers, in bytes.
const MAX_LIST: u64 = 8 << 20;
/// The maximum size of any other response, in bytes.
const MAX_ANSWER: u64 = 1 << 20;
/// The maximum number of open connections, counted separately for logs and for all other requests.
/// A hanging request keeps its connection, and some machines allow few descriptors.
const MAX_CONNECTIONS: usize = 16;

/// Where the engine listens.
enum Place {
    Socket(PathBuf),
    Tcp { host: String, port: u16, tls: Option<TlsConnector> },
}

/// Sends GET requests to the engine.
pub(crate) struct Transport {
    place: Place,
    deadline: Duration,
    requests: Arc<Semaphore>,
    logs: Arc<Semaphore>,
    /// The maximum number of bytes read from one log.
    max_log: u64,
}

/// Why a connection failed, if the reason is more specific than an I/O error.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The response is longer than this number of bytes.
    TooLong(u64),
    /// The name was not resolved.
    Lookup(Reason),
    /// The request is not a GET request, so it could change something.
    NotGet,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::TooLong(max) => {
                write!(f, "answered with more than {} MB, so it was not read", max >> 20)
            }
            Failure::Lookup(why) => f.write_str(&why.message),
            Failure::NotGet => f.write_str("only GET requests are sent to the engine"),
        }
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// Returns the failure inside a client error, if there is one.
    pub(crate) fn of<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Failure> {
        let mut next = Some(error);
        while let Some(error) = next {
            let io = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if let Some(failure) = error.downcast_ref().or_else(|| io?.downcast_ref()) {
                return Some(failure);
            }
            next = error.source();
        }
        None
    }

    /// Converts the failure of a request to `address` to a reason.
    pub(crate) fn reason(&self, address: &str) -> Reason {
        match self {
            Failure::TooLong(_) => Reason::new(ReasonKind::Limit, format!("{address} {self}")),
            Failure::Lookup(why) => why.clone(),
            Failure::NotGet => Reason::new(ReasonKind::Failed, self.to_string()),
        }
    }
}

impl Transport {
    /// Prepares connections to a normalized address without opening one.
    pub(crate) fn new(address: &str, deadline: Duration, max_log: u64) -> Result<Transport, Reason> {
        let place = match address.strip_prefix("unix://") {
            Some(path) => Place::Socket(path.into()),
            None => tcp(address)?,
        };
        let permits = || Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Ok(Transport { place, deadline, requests: permits(), logs: permits(), max_log })
    }

    /// Returns `host:port` if the connection is not encrypted.
    pub(crate) fn plain_peer(&self) -> Option<String> {
        match &self.place {
            Place::Tcp { host, port, tls: None } => Some(format!("{host}:{port}")),
            _ => None,
        }
    }

    /// Sends a request on a new connection.
    pub(crate) async fn send(&self, request: BollardRequest) -> Result<Response<Incoming>, Error> {
        if request.method() != Method::GET {
            return Err(io::Error::other(Failure::NotGet).into());
        }
        let path = request.uri().path();
        let (permits, max) = match path {
            _ if path.ends_with("/logs") => (&self.logs, self.max_log),
            _ if path.ends_with("/containers/json") => (&self.requests, MAX_LIST),
            _ => (&self.requests, MAX_ANSWER),
        };
        let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (sent, path) = (Some(Sent::now(System::Docker)), path.to_string());
        let stream = Bounded { stream: self.connect().await?, left: max, max, sent, path };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // The task ends when the response is read or dropped. The response reports the same error.
            let _ = connection.await;
            drop(permit);
        });
        Ok(sender.send_request(self.with_host(request)?).await?)
    }

    /// Moves the host from the URI to the Host header, which hyper's connections do not do.
    fn with_host(&self, mut request: BollardRequest) -> Result<BollardRequest, Error> {
        let host = match &self.place {
            Place::Socket(_) => "localhost".to_string(),
            Place::Tcp { host, port, .. } => format!("{host}:{port}"),
        };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri = path.parse::<Uri>().map_err(io::Error::other)?;
        *request.uri_mut() = uri;
        request.headers_mut().insert(HOST, HeaderValue::from_str(&host).map_err(io::Error::other)?);
        Ok(request)
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        match &self.place {
            Place::Socket(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Place::Tcp { host, port, tls } => {
                let addresses = lookup(&format!("{host}:{port}"), Instant::now() + self.deadline).await;
                let addresses = addresses.map_err(|why| io::Error::other(Failure::Lookup(why)))?;
                let stream = TcpStream::connect(addresses.as_slice()).await?;
                let Some(tls) = tls else { return Ok(Box::new(stream)) };
                let name = host.trim_matches(['[', ']']).to_string();
                let name = ServerName::try_from(name).map_err(io::Error::other)?;
                Ok(Box::new(tls.connect(name, stream).await?))
            }
        }
    }
}

fn tcp(address: &str) -> Result<Place, Reason> {
    let encrypted = address.starts_with("https://") || std::env::var_os("DOCKER_TLS_VERIFY").is_some();
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let url = url::Url::parse(&format!("{}://{rest}", if encrypted { "https" } else { "http" }));
    let url = url.ok().filter(|url| url.has_host());
    let (host, port) = url
        .as_ref()
        .and_then(|url| Some((url.host_str()?.to_string(), url.port_or_known_default()?)))
        .ok_or_else(|| Reason::new(ReasonKind::NotConfigured, "the Docker address does not name a host"))?;
    let tls = if encrypted { Some(tls_files::connector()?) } else { None };
    Ok(Place::Tcp { host, port, tls })
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream that fails once it has delivered `max` bytes.
struct Bounded {
    stream: Box<dyn Stream>,
    left: u64,
    max: u64,
    /// The request on this stream, until it is counted.
    sent: Option<Sent>,
    path: String,
}

impl Drop for Bounded {
    fn drop(&mut self) {
        if let Some(sent) = self.sent.take() {
            sent.answered((self.max - self.left, 0), || format!("GET {}", self.path));
        }
    }
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::other(Failure::TooLong(self.max))));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.left = self.left.saturating_sub((buffer.filled().len() - before) as u64);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    fn bounded(max: u64) -> Bounded {
        Bounded {
            stream: Box::new(tokio::io::join(tokio::io::repeat(b'x'), tokio::io::sink())),
            left: max,
            max,
            sent: None,
            path: String::new(),
        }
    }

    #[tokio::test]
    async fn endless_answer_ends_at_the_bound() {
        let mut read = Vec::new();
        let error = bounded(3 << 20).read_to_end(&mut read).await.unwrap_err();
        let failure = Failure::of(&error).unwrap();
        let why = failure.reason("engine:2375");
        assert_eq!(why.message, "engine:2375 answered with more than 3 MB, so it was not read");
        // The last read may exceed the bound by the size of its buffer.
        assert!(read.len() <= 8 << 20, "{}", read.len());
    }

    #[test]
    fn takes_host_and_port_from_the_address() {
        let peer = |address: &str| Transport::new(address, Duration::from_secs(1), 1).unwrap().plain_peer();
        assert_eq!(peer("tcp://build.example:2375").as_deref(), Some("build.example:2375"));
        assert_eq!(peer("http://build.example").as_deref(), Some("build.example:80"));
        assert_eq!(peer("tcp://[::1]:2375").as_deref(), Some("[::1]:2375"));
        assert_eq!(peer("unix:///run/docker.sock"), None);
    }
}
