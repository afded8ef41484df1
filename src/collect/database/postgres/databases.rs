//! The databases of a pipeline: the one with the events, and those of other services.

use crate::base::name::MAIN_DATABASE;
use crate::base::secret::Secret;
use crate::collect::database::postgres::event;
use crate::collect::database::postgres::session::Session;
use crate::collect::database::postgres::{Opened, Place, open};
use crate::collect::runtime::docker::{Discovered, told_to};
use crate::config::Config;
use crate::evidence::{Database, Mapped, Name, Runtime, Seen, Why, WhyKind};
use crate::pipeline::Stage;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use tokio::time::Instant;
use tokio_postgres_rustls::MakeRustlsConnect;

/// One transaction in each.
pub struct Databases {
    /// In the one with the events.
    pub main: Session,
    further: BTreeMap<Name, Result<Further, Why>>,
}

struct Further {
    session: Session,
    /// The address, without its password.
    address: String,
    mapped: Option<Mapped>,
    tls: MakeRustlsConnect,
}

impl Databases {
    /// Opens the further ones beside the main one.
    pub async fn beside(
        main: Session,
        config: &Config,
        docker: Option<&(Seen<Runtime>, Discovered)>,
        until: Instant,
    ) -> Databases {
        let opened = config.pipeline.database.keys().map(|name| async move {
            let further = further(config, name, docker, until).await;
            (name.clone(), further)
        });
        Databases { main, further: join_all(opened).await.into_iter().collect() }
    }

    /// The transaction in a database, by the pipeline's name for it.
    pub fn of(&self, name: &str) -> Result<&Session, Why> {
        if name == MAIN_DATABASE {
            return Ok(&self.main);
        }
        match self.further.get(name) {
            Some(Ok(further)) => Ok(&further.session),
            Some(Err(why)) => Err(why.clone()),
            None => Err(Why::new(WhyKind::Missing, format!("no database {name}"))),
        }
    }

    /// Each further one, or why it is not seen; `unread` is why its sessions are not yet.
    pub fn seen(&self, unread: &Why) -> BTreeMap<Name, Seen<Database>> {
        let seen = |further: &Result<Further, Why>| match further {
            Ok(further) => Seen::Known(Database {
                address: further.address.clone(),
                mapped: further.mapped.clone(),
                sessions: Seen::Unknown(unread.clone()),
                ..Database::default()
            }),
            Err(why) => Seen::Unknown(why.clone()),
        };
        self.further.iter().map(|(name, further)| (name.clone(), seen(further))).collect()
    }

    /// Ends the transactions.
    pub async fn end(self) {
        let further = self.further.into_values().flatten().map(|further| further.session.end());
        tokio::join!(self.main.end(), join_all(further));
    }

    /// Stops what the servers are still doing for us.
    pub async fn cancel(self, tls: &MakeRustlsConnect) {
        let further = self.further.into_values().flatten();
        let further = further.map(|Further { session, tls, .. }| async move { session.cancel(&tls).await });
        tokio::join!(self.main.cancel(tls), join_all(further));
    }
}

async fn further(
    config: &Config,
    name: &str,
    docker: Option<&(Seen<Runtime>, Discovered)>,
    until: Instant,
) -> Result<Further, Why> {
    let place = place(config, name, docker)?;
    let docker = docker.and_then(|found| found.0.known());
    let Opened { session, connected, address, tls, .. } = open(place, docker, until).await?;
    let address = address.shown_at(&connected.place);
    Ok(Further { session, address, mapped: connected.mapped, tls })
}

/// The address that was given, else the one in the environment of the part that uses it;
/// of several the one with the database's name. Without such a part any with that name.
fn place<'a>(
    config: &'a Config,
    name: &str,
    docker: Option<&'a (Seen<Runtime>, Discovered)>,
) -> Result<Place<'a>, Why> {
    if let Some(address) = config.places.databases.get(name) {
        return Ok(Place { address, inside: false });
    }
    let part = config.pipeline.database.get(name).and_then(|database| database.used_by.as_ref());
    let used_by = part.map(|part| part.get_ref().as_str());
    let found = docker.and_then(|(_, discovered)| {
        told_to(&discovered.databases, used_by, |address| is_called(address, name))
    });
    found.map(|address| Place { address, inside: true }).ok_or_else(|| {
        let whose = part.map_or("one of this name".to_string(), |part| {
            format!("one in the environment of {}", part.get_ref())
        });
        let say = format!(
            "database {name}: no address configured (--database {name}=URL), and Docker does not tell {whose}"
        );
        Why::new(WhyKind::NotConfigured, say)
    })
}

fn is_called(address: &Secret, name: &str) -> bool {
    let url = url::Url::parse(address.expose()).ok();
    url.is_some_and(|url| url.path().trim_start_matches('/') == name)
}

/// The transaction for a stage's rows, and the type of their id; `of` it is in the main database.
pub(crate) async fn id_type_at<'a>(
    databases: &'a Databases,
    stage: &Stage,
    of: &str,
) -> Result<(&'a Session, String), Why> {
    let session = databases.of(stage.database())?;
    match stage.database {
        Some(_) => Ok((session, event::id_type(session, &stage.sql).await?)),
        None => Ok((session, of.to_string())),
    }
}
