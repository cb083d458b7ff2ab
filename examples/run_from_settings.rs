//! A whole program from a settings file, on the local exchange: it is checked and built, trades,
//! shows how it is, and ends in good order with a number for its process.
//!
//! Nothing but the addresses and keys differs from a run against the testnet. SIGTERM and Ctrl-C
//! end it earlier; a second one at once.

use std::process::ExitCode;
use std::time::Duration;

use tradewright::config::Settings;
use tradewright::live::BotStatus;
use tradewright::local_exchange::{Account, ExchangeConfig, LocalExchange, Prices};
use tradewright::prelude::*;
use tradewright::runtime::System;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let perpetual =
        Instrument::linear_perpetual("BTCUSDT", "BTC", "USDT").tick("0.1").step("0.001");
    let prices = Prices::Generated { start: Decimal::from(50_000), step_bp: 2.0 };
    let account = Account::hmac("key", "secret").with_futures("USDT", Decimal::from(10_000));
    let exchange = ExchangeConfig::new(42).with_futures(perpetual, prices).with_account(account);
    let exchange = LocalExchange::start(exchange).await?;

    let folder = std::env::temp_dir().join(format!("tradewright-run-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("tradewright.toml");
    std::fs::write(&file, settings(&exchange, &folder))?;
    // A program hands on `std::env::vars()`, where its keys are.
    let keys = [("API_KEY", "key"), ("API_SECRET", "secret"), ("KEY_NETWORK", "local")];
    let keys = keys.map(|(name, value)| (format!("TRADEWRIGHT_BINANCE_{name}"), value.to_owned()));
    let running = System::from_settings(Settings::load_file(&file, keys)?).start().await?;

    let handle = running.handle().clone();
    handle.wait_for("main", |bot| bot.status == BotStatus::Running).await.ok_or("no start")?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    println!("{}", serde_json::to_string_pretty(&running.status())?);
    // What SIGTERM does from outside.
    let stop = running.stop_policy();
    let (exit, ()) = tokio::join!(running.wait(), handle.stop(stop));
    for bot in &exit.bots {
        println!("{}", bot.outcome.as_ref().map_err(ToString::to_string)?);
    }
    println!("{:?}, exit code {}", exit.status, exit.code());
    std::fs::remove_dir_all(&folder)?;
    Ok(exit.exit_code())
}

fn settings(exchange: &LocalExchange, folder: &std::path::Path) -> String {
    let (rest, stream, folder) = (exchange.rest_url(), exchange.ws_url(), folder.display());
    format!(
        "network = \"local\"\n[runtime]\nmode = \"live\"\nfolder = \"{folder}\"\n\
         [log]\nconsole = \"off\"\n[binance]\nrest_url = \"{rest}\"\nstream_url = \"{stream}\"\n\
         futures_rest_url = \"{rest}\"\n\
         [[strategy]]\nname = \"MARKET_MAKER\"\nsymbols = [\"BTCUSDT\"]\nparameters = \
         {{ quantity = \"0.01\", warmup_samples = 1, horizon_seconds = 0.01 }}\n"
    )
}
