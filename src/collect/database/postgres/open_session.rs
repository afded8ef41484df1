//! Finds the address of the main database and opens a session on a database.

use crate::base::secret::Secret;
use crate::collect::database::postgres::address::Address;
use crate::collect::database::postgres::connect::Reached;
use crate::collect::database::postgres::session::{ServerInfo, Session};
use crate::collect::database::postgres::{connect, tls};
use crate::collect::runtime::docker::EnvironmentAddresses;
use crate::collect::with_deadline;
use crate::config::Config;
use crate::evidence::{Observed, Reason, ReasonKind, Runtime};
use tokio::time::{Duration, Instant};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Time reserved before the deadline for ending or cancelling the transaction.
pub(crate) const CLEANUP_MARGIN: Duration = Duration::from_millis(150);

pub(crate) const NO_ID: &str = "no id given";

pub(crate) const NO_MARKS: &str = "the pipeline has no marks table";

/// A database address and where it was found.
pub(crate) struct DatabaseAddress<'a> {
    pub(crate) address: &'a Secret,
    /// Whether it was found in a container's environment, so that its host name belongs to
    /// the container network.
    pub(crate) from_container: bool,
}

/// Returns the configured address, or else the one in a container's environment.
pub(crate) fn main_address<'a>(
    config: &'a Config,
    docker: Option<&'a (Observed<Runtime>, EnvironmentAddresses)>,
) -> Observed<DatabaseAddress<'a>> {
    let none = "no address configured";
    if let Some(address) = &config.endpoints.postgres {
        let from_container = false;
        return Observed::Known(DatabaseAddress { address, from_container });
    }
    let Some((docker, discovered)) = docker else {
        let message = format!("{none}, and Docker, which could provide one, did not answer in time");
        return Observed::unknown(ReasonKind::NotConfigured, message);
    };
    let used_by = config.pipeline.postgres.used_by.as_ref();
    let address = match used_by {
        Some(component) => discovered.databases.get(component.get_ref()).and_then(|all| all.first()),
        None => discovered.postgres.as_ref(),
    };
    match (address, docker) {
        (Some(address), _) => Observed::Known(DatabaseAddress { address, from_container: true }),
        // A Docker failure says nothing about the database, which was not contacted.
        (None, Observed::Unknown(why)) => {
            let message = format!("{none}, and Docker cannot provide one: {}", why.message);
            Observed::unknown(ReasonKind::NotConfigured, message)
        }
        (None, _) => Observed::not_asked(format!("{none}, and no container has one in its environment")),
    }
}

/// An open transaction and its connection.
pub(crate) struct OpenedSession {
    pub(crate) session: Session,
    pub(crate) server: ServerInfo,
    pub(crate) connected: Reached,
    pub(crate) address: Address,
    pub(crate) tls: MakeRustlsConnect,
}

/// Connects and begins the transaction.
pub(crate) async fn open_session(
    found: DatabaseAddress<'_>,
    docker: Option<&Runtime>,
    until: Instant,
) -> Result<OpenedSession, Reason> {
    let parsed = Address::parse(found.address.expose())
        .and_then(|address| Ok((tls::connector(&address.ssl)?, address)));
    let (tls, address) = parsed.map_err(|mistake| {
        let message = format!("{}: {}", mistake.place, mistake.what);
        Reason::new(ReasonKind::NotConfigured, message)
    })?;
    let begin = async {
        let (opened, connected) =
            connect::connect(&address, &tls, docker, found.from_container, until).await?;
        let (session, server) = Session::begin(opened, address.schema.as_deref(), until).await?;
        Ok((session, server, connected))
    };
    let (session, server, connected) = with_deadline(&address.host_list(), until, begin).await?;
    Ok(OpenedSession { session, server, connected, address, tls })
}
