//! A program from settings on the local exchange: its start, its tasks, its signals, its end.

use core::time::Duration;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rust_decimal::Decimal;
use tradewright::config::{Settings, SettingsError};
use tradewright::live::{BotStatus, ExitStatus, SystemStatus, TaskState};
use tradewright::local_exchange::{Account, ExchangeConfig, LocalExchange, Prices};
use tradewright::prelude::*;
use tradewright::runtime::{RunningSystem, System, SystemError};

/// The program of a test below has said that it is ready.
static READY: AtomicBool = AtomicBool::new(false);

const PATIENCE: Duration = Duration::from_secs(30);

async fn exchange() -> LocalExchange {
    let perpetual =
        Instrument::linear_perpetual("BTCUSDT", "BTC", "USDT").tick("0.1").step("0.001");
    let prices = Prices::Generated { start: Decimal::from(50_000), step_bp: 2.0 };
    let account = Account::hmac("key", "secret").with_futures("USDT", Decimal::from(10_000));
    let config = ExchangeConfig::new(42).with_futures(perpetual, prices).with_account(account);
    LocalExchange::start(config).await.unwrap()
}

fn settings(exchange: &LocalExchange, runtime: &str) -> Result<Settings, SettingsError> {
    let (rest, stream) = (exchange.rest_url(), exchange.ws_url());
    let file = format!(
        "network = \"local\"\n[log]\nconsole = \"off\"\n[runtime]\n{runtime}\n[binance]\n\
         rest_url = \"{rest}\"\nstream_url = \"{stream}\"\nfutures_rest_url = \"{rest}\"\n\
         [[strategy]]\nname = \"MARKET_MAKER\"\nsymbols = [\"BTCUSDT\"]\nparameters = \
         {{ quantity = \"0.01\", warmup_samples = 1, horizon_seconds = 0.01 }}\n"
    );
    let keys = [("API_KEY", "key"), ("API_SECRET", "secret"), ("KEY_NETWORK", "local")];
    let keys = keys.map(|(name, value)| (format!("TRADEWRIGHT_BINANCE_{name}"), value.to_owned()));
    Settings::load(&file, keys)
}

async fn start(exchange: &LocalExchange, runtime: &str) -> RunningSystem {
    at_work(System::from_settings(settings(exchange, runtime).unwrap())).await
}

async fn at_work(system: System) -> RunningSystem {
    let running = system.start().await.unwrap();
    let handle = running.handle().clone();
    let is_running = handle.wait_for("main", |bot| bot.status == BotStatus::Running);
    tokio::time::timeout(PATIENCE, is_running).await.unwrap().expect("a bot that runs");
    running
}

/// In both modes: everything becomes healthy, the status is one value, and the end is in order.
async fn runs_and_ends(mode: &str) {
    let exchange = exchange().await;
    let running = start(&exchange, &format!("mode = \"{mode}\"")).await;
    let is_ready = async {
        loop {
            let (status, health) = (running.status(), running.health());
            if status.is_healthy && health.is_ready {
                return (status, health);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (status, health) = tokio::time::timeout(PATIENCE, is_ready).await.unwrap();
    assert_eq!(health.components.len(), 4);
    assert_eq!(status.tasks[0].name.as_str(), "health");
    let json = serde_json::to_string(&status).unwrap();
    assert_eq!(serde_json::from_str::<SystemStatus>(&json).unwrap().tasks, status.tasks);

    let (handle, stop) = (running.handle().clone(), running.stop_policy());
    let (exit, ()) = tokio::join!(running.wait(), handle.stop(stop));
    assert_eq!((exit.status, exit.code()), (ExitStatus::Done, 0));
    assert_eq!(exit.bots[0].outcome.as_ref().unwrap().status, BotStatus::Stopped);
    assert_eq!(exit.tasks.unwrap().tasks[0].state, TaskState::Stopped);
}

#[tokio::test]
async fn a_system_from_settings_trades_at_the_venue_and_ends_in_order() {
    runs_and_ends("live").await;
}

#[tokio::test]
async fn a_system_from_settings_trades_on_paper_and_ends_in_order() {
    runs_and_ends("paper").await;
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_is_sent() {
    let exchange = exchange().await;
    let refused = |settings: Settings| async move {
        System::from_settings(settings).start().await.map(drop).unwrap_err()
    };
    let mut unlisted = settings(&exchange, "").unwrap();
    unlisted.strategies[0].symbols = vec!["NOPE".to_owned()];
    let error = refused(unlisted).await;
    assert!(matches!(error, SystemError::NotListed { .. }), "{error}");
    let mut idle = settings(&exchange, "").unwrap();
    idle.strategies.clear();
    assert!(matches!(refused(idle).await, SystemError::NoStrategy));
    let error = refused(
        Settings::load("[runtime]\nmode = \"live\"\n[log]\nconsole = \"off\"", []).unwrap(),
    )
    .await;
    assert!(matches!(error, SystemError::Network(_)), "{error}");
    assert_eq!(error.status(), ExitStatus::Refused);
}

/// This test binary as a program of its own: only started by the tests below, which say by a
/// variable what it shall do.
#[tokio::test]
#[ignore = "a process that other tests start"]
#[allow(clippy::disallowed_methods, reason = "it is told by a variable")]
async fn child() {
    let Ok(way) = std::env::var("RUNTIME_TEST_WAY") else { return };
    let exchange = exchange().await;
    let runtime = "mode = \"live\"\nstop_within = \"1s\"\nrestarts = 1";
    let system = System::from_settings(settings(&exchange, runtime).unwrap());
    let system = match way.as_str() {
        "wild" => system.task("wild", |stop| async move {
            while !READY.load(Ordering::Acquire) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(stop.is_asked(), "on purpose");
            Ok(())
        }),
        "deaf" => system.task("deaf", |_| core::future::pending()),
        _ => system,
    };
    let running = at_work(system).await;
    println!("\nready");
    READY.store(true, Ordering::Release);
    let exit = running.wait().await;
    std::process::exit(i32::from(exit.code()));
}

fn program(way: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["runtime::child", "--exact", "--ignored", "--nocapture"])
        .env("RUNTIME_TEST_WAY", way)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"), "the program did not start");
    child
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_ends_by_a_signal_with_the_code_that_says_how() {
    for (way, name, code) in [("calm", "-TERM", 0), ("calm", "-INT", 0), ("deaf", "-TERM", 5)] {
        let mut child = program(way);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{way} {name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_ends_by_itself_when_a_task_is_given_up() {
    assert_eq!(program("wild").wait().unwrap().code(), Some(5));
}
