//! PostgreSQL: one connection, made anew when it is lost.

use std::time::Duration;

use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio_postgres::{Client, Config, NoTls};

use crate::failure::{Failure, chain};
use crate::{log, setting};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// A database that is connected to when it is needed.
pub struct Database {
    config: Config,
    client: Mutex<Option<Client>>,
}

impl Database {
    pub fn from_environment(service: &str) -> Result<Self, Failure> {
        let mut config: Config = setting::postgres_url()?
            .parse()
            // The error may hold parts of the address, and so of the password.
            .map_err(|_| Failure::refused(&"POSTGRES_URL is not a valid connection string"))?;
        config
            .application_name(service)
            .connect_timeout(CONNECT_TIMEOUT)
            .options("-c statement_timeout=5000");
        Ok(Self { config, client: Mutex::new(None) })
    }

    /// The connection, made now if there is none.
    pub async fn client(&self) -> Result<MappedMutexGuard<'_, Client>, Failure> {
        let mut client = self.client.lock().await;
        if client.as_ref().is_none_or(Client::is_closed) {
            *client = Some(self.connect().await?);
        }
        MutexGuard::try_map(client, Option::as_mut).map_err(|_| Failure::away(&"no connection to PostgreSQL"))
    }

    async fn connect(&self) -> Result<Client, Failure> {
        // The driver's own timeout ends with the TCP connection.
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, self.config.connect(NoTls)).await;
        let (client, connection) = match connected {
            Ok(Ok(parts)) => parts,
            Ok(Err(error)) => return Err(self.cannot_connect(&error)),
            Err(_) => return Err(Failure::away(&"no answer from PostgreSQL")),
        };
        tokio::spawn(connection);
        Ok(client)
    }

    fn cannot_connect(&self, error: &tokio_postgres::Error) -> Failure {
        let reason = chain(error);
        if let Some(refusal) = error.as_db_error() {
            let code = refusal.code().code();
            return Failure::away(&format!("cannot connect to PostgreSQL: {} ({code})", refusal.message()));
        }
        if reason.contains("lookup address") {
            let host = self.config.get_hosts().first();
            let host = host.map(|host| match host {
                tokio_postgres::config::Host::Tcp(name) => name.clone(),
                tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
            });
            return Failure::away(&format!("getaddrinfo ENOTFOUND {}", host.unwrap_or_default()));
        }
        Failure::away(&format!("cannot connect to PostgreSQL: {reason}"))
    }

    /// Connects, and logs it if that fails: what is wrong shall be in the log
    /// before the first event needs the database.
    pub async fn greet(&self) {
        if let Err(failure) = self.client().await {
            log::error(&failure.to_string(), failure.meta());
        }
    }
}
