//! A local exchange for clients in any language: it prints where it listens, and runs for
//! `--seconds 300`, or for two seconds where nothing is said.
//!
//! `--address 127.0.0.1:8080` chooses the port, `--seed 7` the prices. The account has the key
//! `local-key` and the secret `local-secret`.

use std::net::SocketAddr;
use std::time::Duration;

use tradewright::local_exchange::{ExchangeClock, ExchangeConfig, LocalExchange};

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let options = Options::of(std::env::args().skip(1))?;
    let config = ExchangeConfig::sample(options.seed);
    let exchange =
        LocalExchange::start_at(options.address, config, ExchangeClock::system()).await?;
    println!("rest {}", exchange.rest_url());
    println!("websocket {}", exchange.ws_url());
    println!("key local-key");
    println!("secret local-secret");
    tokio::time::sleep(options.seconds).await;
    Ok(())
}

struct Options {
    address: SocketAddr,
    seconds: Duration,
    seed: u64,
}

impl Options {
    fn of(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options =
            Self { address: "127.0.0.1:0".parse()?, seconds: Duration::from_secs(2), seed: 7 };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--address" => options.address = value.parse()?,
                "--seconds" => options.seconds = Duration::from_secs(value.parse()?),
                "--seed" => options.seed = value.parse()?,
                _ => return Err(format!("{word} is unknown").into()),
            }
        }
        Ok(options)
    }
}
