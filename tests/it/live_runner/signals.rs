//! A process that is asked to end by its system. The bot runs in a process of its own: this test
//! binary, which begins with [`child`].

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tradewright::live::{StopOrders, StopPolicy, stop_signals};
use tradewright::metrics::Registry;

use super::over_tokio::{Folder, runner_in_real_time, seat};

const CHILD: &str = "live_runner::signals::child";

#[test]
#[ignore = "the other process of the tests below"]
fn child() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let code = runtime.block_on(async {
        let (folder, registry) = (Folder::new("signals"), Registry::new());
        let runner = runner_in_real_time(vec![seat("alpha", 0, &registry, &folder.0)]);
        let asks = stop_signals().unwrap();
        println!("ready");
        let policy =
            StopPolicy { orders: StopOrders::CancelAll, within: std::time::Duration::from_secs(5) };
        runner.run_until(asks, policy).await.status.code()
    });
    std::process::exit(i32::from(code));
}

fn begin() -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture", "--test-threads=1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("ready")), "the bot has begun");
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn signals_of_the_system_end_the_process_in_order_with_code_0() {
    for name in ["-TERM", "-INT"] {
        let mut child = begin();
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(0), "after {name}");
    }
}
