//! Sessions on the pipeline's databases: the main database and other services' databases.

use crate::base::name::MAIN_DATABASE;
use crate::base::secret::Secret;
use crate::collect::database::postgres::event;
use crate::collect::database::postgres::session::Session;
use crate::collect::database::postgres::{DatabaseAddress, OpenedSession, open_session};
use crate::collect::runtime::docker::{EnvironmentAddresses, address_given_to};
use crate::config::Config;
use crate::evidence::{
    AddressMapping, Database, DatabaseIdentity, Name, Observed, Reason, ReasonKind, Runtime,
};
use crate::pipeline::Stage;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use tokio::time::Instant;
use tokio_postgres_rustls::MakeRustlsConnect;

/// One transaction per database.
pub struct Databases {
    /// The transaction in the main database, which holds the events.
    pub main: Session,
    additional: BTreeMap<Name, Result<Additional, Reason>>,
}

struct Additional {
    session: Session,
    /// The address, without its password.
    address: String,
    mapped: Option<AddressMapping>,
    identity: DatabaseIdentity,
    tls: MakeRustlsConnect,
}

impl Databases {
    /// Opens sessions on the additional databases alongside the main session. Opening them may take
    /// up to a third of the remaining time, so that an unresponsive database leaves time to read
    /// the others.
    pub async fn with_additional(
        main: Session,
        config: &Config,
        docker: Option<&(Observed<Runtime>, EnvironmentAddresses)>,
        until: Instant,
    ) -> Databases {
        let open_until = Instant::now() + until.saturating_duration_since(Instant::now()) / 3;
        let opened = config.pipeline.database.keys().map(|name| async move {
            let additional = additional(config, name, docker, (open_until, until)).await;
            (name.clone(), additional)
        });
        Databases { main, additional: join_all(opened).await.into_iter().collect() }
    }

    /// Returns the transaction in the database that has this name in the pipeline.
    pub fn session(&self, name: &str) -> Result<&Session, Reason> {
        if name == MAIN_DATABASE {
            return Ok(&self.main);
        }
        match self.additional.get(name) {
            Some(Ok(additional)) => Ok(&additional.session),
            Some(Err(why)) => Err(why.clone()),
            None => Err(Reason::new(ReasonKind::Missing, format!("no database {name}"))),
        }
    }

    /// Returns each additional database, or the reason it is unavailable. The list of sessions
    /// stays unknown, with `pending` as the reason.
    pub fn observed(&self, pending: &Reason) -> BTreeMap<Name, Observed<Database>> {
        let observed = |additional: &Result<Additional, Reason>| match additional {
            Ok(additional) => Observed::Known(Database {
                address: additional.address.clone(),
                mapped: additional.mapped.clone(),
                identity: Some(additional.identity.clone()),
                sessions: Observed::Unknown(pending.clone()),
                ..Database::default()
            }),
            Err(why) => Observed::Unknown(why.clone()),
        };
        self.additional.iter().map(|(name, additional)| (name.clone(), observed(additional))).collect()
    }

    /// Ends all transactions.
    pub async fn end(self) {
        let additional = self.additional.into_values().flatten().map(|additional| additional.session.end());
        tokio::join!(self.main.end(), join_all(additional));
    }

    /// Cancels the running statements.
    pub async fn cancel(self, tls: &MakeRustlsConnect) {
        let additional = self.additional.into_values().flatten();
        let additional =
            additional.map(|Additional { session, tls, .. }| async move { session.cancel(&tls).await });
        tokio::join!(self.main.cancel(tls), join_all(additional));
    }
}

async fn additional(
    config: &Config,
    name: &str,
    docker: Option<&(Observed<Runtime>, EnvironmentAddresses)>,
    (open_until, until): (Instant, Instant),
) -> Result<Additional, Reason> {
    let found = find_address(config, name, docker)?;
    let docker = docker.and_then(|found| found.0.known());
    let OpenedSession { mut session, server, connected, address, tls } =
        open_session(found, docker, open_until).await?;
    session.extend(until);
    let address = address.shown_at(&connected.place);
    Ok(Additional { session, address, mapped: connected.mapped, identity: server.identity, tls })
}

/// Returns the configured address, or else an address from the environment of the component in
/// `used_by`, preferably one with the database's name. Without `used_by`, the address must have
/// that name.
fn find_address<'a>(
    config: &'a Config,
    name: &str,
    docker: Option<&'a (Observed<Runtime>, EnvironmentAddresses)>,
) -> Result<DatabaseAddress<'a>, Reason> {
    if let Some(address) = config.endpoints.databases.get(name) {
        return Ok(DatabaseAddress { address, from_container: false });
    }
    let component = config.pipeline.database.get(name).and_then(|database| database.used_by.as_ref());
    let used_by = component.map(|component| component.get_ref().as_str());
    let found = docker.and_then(|(_, discovered)| {
        address_given_to(&discovered.databases, used_by, |address| has_name(address, name))
    });
    found.map(|address| DatabaseAddress { address, from_container: true }).ok_or_else(|| {
        let where_searched = component.map_or("with this name".to_string(), |component| {
            format!("in the environment of {}", component.get_ref())
        });
        let message = format!(
            "database {name}: no address configured (--database {name}=URL), and Docker found none {where_searched}"
        );
        Reason::new(ReasonKind::NotConfigured, message)
    })
}

fn has_name(address: &Secret, name: &str) -> bool {
    let url = url::Url::parse(address.expose()).ok();
    url.is_some_and(|url| url.path().trim_start_matches('/') == name)
}

/// Returns the transaction for a stage's rows and the type of their id. `main_id_type`
/// is the type in the main database.
pub(crate) async fn session_and_id_type<'a>(
    databases: &'a Databases,
    stage: &Stage,
    main_id_type: &str,
) -> Result<(&'a Session, String), Reason> {
    let session = databases.session(stage.database())?;
    match stage.database {
        Some(_) => Ok((session, event::id_type(session, &stage.sql).await?)),
        None => Ok((session, main_id_type.to_string())),
    }
}
