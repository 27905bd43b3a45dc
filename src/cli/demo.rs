use std::io::{self, Write};
use std::net::SocketAddr;

use clap::Args;
use serde::Serialize;

use crate::app::{self, Demo as Service};
use crate::cli::Failure;
use crate::cli::settings::Settings;
use crate::domain::Timestamp;
use crate::keys::Token;
use crate::scenario;

/// Settings of the demo.
#[derive(Debug, Args, Serialize)]
pub(super) struct Demo {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Fixed time of the demo's clock (RFC 3339 or a date).
    #[arg(long, value_name = "TIME", default_value_t = scenario::CUTOFF)]
    #[serde(skip)]
    now: Timestamp,
}

impl Demo {
    pub(super) async fn run(&self, settings: &Settings) -> Result<(), Failure> {
        let config = settings.load_with(self)?;
        let stop = app::stop_on_signal().map_err(Failure::Runtime)?;
        let demo = Service::prepare(config, self.now).await?;
        self.introduce(demo.address()?, demo.key())?;
        Ok(demo.run(stop).await?)
    }

    /// Prints the address and some requests to try.
    fn introduce(&self, address: SocketAddr, key: &Token) -> io::Result<()> {
        let base = format!("http://{address}");
        write!(
            io::stdout(),
            "The demo is served on {base}; its clock is fixed at {now}. The market is synthetic, around the facts of a report:\n\
             all values have the source `scenario`. Try\n\n  \
             curl '{base}/v1/price'\n  \
             curl '{base}/v1/drawdown?window=1y'\n  \
             curl '{base}/v1/drawdown/series?window=30d&format=csv'\n\n\
             or open {base}/docs. To push your own rows, POST them to {base}/v1/observations with the key\n{key}\n\n\
             Stop it with ctrl-c; the temporary store is removed.\n",
            now = self.now,
            key = key.reveal(),
        )
    }
}
