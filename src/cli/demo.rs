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

/// How the demo is shown.
#[derive(Debug, Args, Serialize)]
pub(super) struct Demo {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// The instant at which the clock of the demo stands still (RFC 3339 or a date).
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

    /// Says where it answers and what to try.
    fn introduce(&self, address: SocketAddr, key: &Token) -> io::Result<()> {
        let base = format!("http://{address}");
        write!(
            io::stdout(),
            "The demo answers on {base}; its clock stands at {now}. A made-up market around the facts of a report:\n\
             figures carry the source `scenario`. Try\n\n  \
             curl '{base}/v1/price'\n  \
             curl '{base}/v1/drawdown?window=1y'\n  \
             curl '{base}/v1/drawdown/series?window=30d&format=csv'\n\n\
             or open {base}/docs. POST {base}/v1/observations takes rows of your own with the key\n{key}\n\n\
             Stop it with ctrl-c; nothing stays behind.\n",
            now = self.now,
            key = key.reveal(),
        )
    }
}
