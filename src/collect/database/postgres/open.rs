//! Where a database is, and a session on it.

use crate::base::secret::Secret;
use crate::collect::database::postgres::address::Address;
use crate::collect::database::postgres::connect::Reached;
use crate::collect::database::postgres::session::{Server, Session};
use crate::collect::database::postgres::{connect, tls};
use crate::collect::in_time;
use crate::collect::runtime::docker::Discovered;
use crate::config::Config;
use crate::evidence::{Runtime, Seen, Why, WhyKind};
use tokio::time::{Duration, Instant};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What the probe keeps for its own last words before the deadline.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(150);

pub(crate) const NO_ID: &str = "no id given";

pub(crate) const NO_MARKS: &str = "the pipeline has no marks table";

pub(crate) struct Place<'a> {
    pub(crate) address: &'a Secret,
    /// It is one that a container was given: it means what containers know by it.
    pub(crate) inside: bool,
}

/// The configured address, else the one in a container's environment.
pub(crate) fn place<'a>(
    config: &'a Config,
    docker: Option<&'a (Seen<Runtime>, Discovered)>,
) -> Seen<Place<'a>> {
    let none = "no address configured";
    if let Some(address) = &config.places.postgres {
        let inside = false;
        return Seen::Known(Place { address, inside });
    }
    let Some((docker, discovered)) = docker else {
        let say = format!("{none}, and Docker, which might tell it, has not answered in time");
        return Seen::unknown(WhyKind::NotConfigured, say);
    };
    let used_by = config.pipeline.postgres.used_by.as_ref();
    let address = match used_by {
        Some(part) => discovered.databases.get(part.get_ref()).and_then(|all| all.first()),
        None => discovered.postgres.as_ref(),
    };
    match (address, docker) {
        (Some(address), _) => Seen::Known(Place { address, inside: true }),
        // Docker's trouble is not the database's: nobody has asked the server.
        (None, Seen::Unknown(why)) => {
            let say = format!("{none}, and Docker might tell it, but: {}", why.say);
            Seen::unknown(WhyKind::NotConfigured, say)
        }
        (None, _) => Seen::not_asked(format!("{none}, and no container tells one")),
    }
}

/// The transaction, and how it came about.
pub(crate) struct Opened {
    pub(crate) session: Session,
    pub(crate) server: Server,
    pub(crate) connected: Reached,
    pub(crate) address: Address,
    pub(crate) tls: MakeRustlsConnect,
}

/// Connects and begins the transaction.
pub(crate) async fn open(place: Place<'_>, docker: Option<&Runtime>, until: Instant) -> Result<Opened, Why> {
    let understood = Address::read(place.address.expose())
        .and_then(|address| Ok((tls::connector(&address.ssl)?, address)));
    let (tls, address) = understood.map_err(|mistake| {
        let say = format!("{}: {}", mistake.place, mistake.what);
        Why::new(WhyKind::NotConfigured, say)
    })?;
    let begin = async {
        let (client, connected) = connect::connect(&address, &tls, docker, place.inside, until).await?;
        let (session, server) = Session::begin(client, address.schema.as_deref(), until).await?;
        Ok((session, server, connected))
    };
    let (session, server, connected) = in_time(&address.places(), until, begin).await?;
    Ok(Opened { session, server, connected, address, tls })
}
