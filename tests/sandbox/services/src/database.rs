//! PostgreSQL: a single connection, re-established when lost.

use std::time::Duration;

use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio_postgres::{Client, Config, NoTls};

use crate::failure::{Failure, chain};
use crate::{log, setting};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// A database connection that is opened on first use.
pub struct Database {
    config: Config,
    client: Mutex<Option<Client>>,
}

impl Database {
    pub fn from_environment(service: &str) -> Result<Self, Failure> {
        let mut config: Config = setting::postgres_url()?
            .parse()
            // The error may contain parts of the address, including the password.
            .map_err(|_| Failure::error(&"POSTGRES_URL is not a valid connection string"))?;
        config
            .application_name(service)
            .connect_timeout(CONNECT_TIMEOUT)
            .options("-c statement_timeout=5000");
        Ok(Self { config, client: Mutex::new(None) })
    }

    /// Returns the connection, connecting first if necessary.
    pub async fn client(&self) -> Result<MappedMutexGuard<'_, Client>, Failure> {
        let mut client = self.client.lock().await;
        if client.as_ref().is_none_or(Client::is_closed) {
            *client = Some(self.connect().await?);
        }
        MutexGuard::try_map(client, Option::as_mut)
            .map_err(|_| Failure::unavailable(&"no connection to PostgreSQL"))
    }

    async fn connect(&self) -> Result<Client, Failure> {
        // The driver's own timeout covers only the TCP connection.
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, self.config.connect(NoTls)).await;
        let (client, connection) = match connected {
            Ok(Ok(parts)) => parts,
            Ok(Err(error)) => return Err(self.cannot_connect(&error)),
            Err(_) => return Err(Failure::unavailable(&"no answer from PostgreSQL")),
        };
        tokio::spawn(connection);
        Ok(client)
    }

    fn cannot_connect(&self, error: &tokio_postgres::Error) -> Failure {
        let reason = chain(error);
        if let Some(refusal) = error.as_db_error() {
            let code = refusal.code().code();
            return Failure::unavailable(&format!(
                "cannot connect to PostgreSQL: {} ({code})",
                refusal.message()
            ));
        }
        if reason.contains("lookup address") {
            let host = self.config.get_hosts().first();
            let host = host.map(|host| match host {
                tokio_postgres::config::Host::Tcp(name) => name.clone(),
                tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
            });
            return Failure::unavailable(&format!("getaddrinfo ENOTFOUND {}", host.unwrap_or_default()));
        }
        Failure::unavailable(&format!("cannot connect to PostgreSQL: {reason}"))
    }

    /// Connects, and logs any failure before the first event needs the database.
    pub async fn check_connection(&self) {
        if let Err(failure) = self.client().await {
            log::error(&failure.to_string(), failure.meta());
        }
    }
}
