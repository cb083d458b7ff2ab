//! Tasks beside the bots, and how a process ends.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream;
use tradewright::live::{
    ExitStatus, RestartPolicy, RunnerConfig, StopPolicy, Supervisor, SupervisorCause, TaskConfig,
    TaskState,
};
use tradewright::metrics::Registry;
use tradewright::types::Timestamp;
use tradewright::venue::network::{NetworkAccess, NetworkValidator, NetworkVenue};

use super::over_tokio::{Folder, Paused, runner_of, seat};

const LONG: Duration = Duration::from_secs(100_000);
const GRACE: Duration = Duration::from_secs(10);

fn supervisor() -> Supervisor {
    Supervisor::new(Arc::new(Paused(tokio::time::Instant::now())))
}

/// Two fail together when the first begins: restarted after 1, 2, 4, 8 and 16 seconds, then given
/// up.
#[tokio::test(start_paused = true)]
async fn a_task_that_fails_is_restarted_within_its_budget_and_then_given_up() {
    let mut supervisor = supervisor();
    let begun = Arc::new(Mutex::new(Vec::new()));
    let starts = Arc::clone(&begun);
    let start = tokio::time::Instant::now();
    supervisor.task("frail", TaskConfig::default(), move |_| {
        starts.lock().unwrap().push(start.elapsed().as_secs());
        async { Err("a planted fault".into()) }
    });
    let handle = supervisor.handle();
    assert_eq!(handle.tasks()[0].state, TaskState::Waiting);
    let exit = supervisor.run(tokio::time::sleep(LONG), GRACE).await;
    assert_eq!(*begun.lock().unwrap(), [0, 1, 3, 7, 15, 31]);
    assert_eq!(exit.cause, SupervisorCause::NothingLeft);
    assert!(!exit.is_clean());
    let [task] = &exit.tasks[..] else { panic!("{exit:?}") };
    assert_eq!((task.state, task.restarts), (TaskState::Failed, 5));
    assert_eq!(task.last_error.as_deref(), Some("a planted fault"));
    assert_eq!(task.since, Timestamp::from_secs(1_700_000_031).unwrap());
}

/// Failures that are far apart never use the budget up.
#[tokio::test(start_paused = true)]
async fn failures_that_lie_apart_do_not_add_up() {
    let mut supervisor = supervisor();
    let config = TaskConfig { most_restarts: 1, ..TaskConfig::default() };
    supervisor.task("rare", config, |_| async {
        tokio::time::sleep(Duration::from_secs(700)).await;
        Err("after a while".into())
    });
    let exit = supervisor.run(tokio::time::sleep(Duration::from_secs(7_100)), GRACE).await;
    assert_eq!(exit.cause, SupervisorCause::Asked);
    // It doesn't listen, so it is cut off.
    assert_eq!((exit.tasks[0].state, exit.tasks[0].restarts), (TaskState::Aborted, 10));
}

#[tokio::test(start_paused = true)]
async fn policies_say_what_is_started_again() {
    let runs = |restart, fails: bool| async move {
        let mut supervisor = supervisor();
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let config = TaskConfig { restart, most_restarts: 3, ..TaskConfig::default() };
        supervisor.task("one", config, move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move { if fails { Err("a planted fault".into()) } else { Ok(()) } }
        });
        let exit = supervisor.run(tokio::time::sleep(LONG), GRACE).await;
        (count.load(Ordering::Relaxed), exit.tasks[0].state)
    };
    assert_eq!(runs(RestartPolicy::Never, false).await, (1, TaskState::Ended));
    assert_eq!(runs(RestartPolicy::Never, true).await, (1, TaskState::Failed));
    assert_eq!(runs(RestartPolicy::OnFailure, false).await, (1, TaskState::Ended));
    assert_eq!(runs(RestartPolicy::OnFailure, true).await, (4, TaskState::Failed));
    assert_eq!(runs(RestartPolicy::Always, false).await, (4, TaskState::Failed));
}

/// A panic ends its task alone; a vital task that is given up ends the others, which are told.
#[tokio::test(start_paused = true)]
async fn a_vital_task_that_panics_ends_the_others_in_order() {
    let mut supervisor = supervisor();
    let ended = Arc::new(Mutex::new(Vec::new()));
    for name in ["first", "second"] {
        let ended = Arc::clone(&ended);
        supervisor.task(name, TaskConfig::default(), move |mut stop| {
            let ended = Arc::clone(&ended);
            async move {
                stop.asked().await;
                ended.lock().unwrap().push(name);
                Ok(())
            }
        });
    }
    let config = TaskConfig { most_restarts: 2, is_vital: true, ..TaskConfig::default() };
    supervisor.task("vital", config, |_| async { panic!("a planted panic") });
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let exit = supervisor.run(tokio::time::sleep(LONG), GRACE).await;
    std::panic::set_hook(hook);
    assert_eq!(exit.cause, SupervisorCause::GivenUp("vital".into()));
    let states: Vec<_> = exit.tasks.iter().map(|task| task.state).collect();
    assert_eq!(states, [TaskState::Stopped, TaskState::Stopped, TaskState::Failed]);
    assert_eq!(exit.tasks[2].last_error.as_deref(), Some("it panicked: a planted panic"));
    assert_eq!(*ended.lock().unwrap(), ["second", "first"], "the last one ends first");
}

/// One that does not end is cut off at the deadline, and all are cut off with the future.
#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_cut_off() {
    let alive = Arc::new(());
    let stubborn = |alive: &Arc<()>| {
        let mut supervisor = supervisor();
        let alive = Arc::clone(alive);
        supervisor.task("stubborn", TaskConfig::default(), move |_| {
            let alive = Arc::clone(&alive);
            async move {
                std::future::pending::<()>().await;
                drop(alive);
                Ok(())
            }
        });
        supervisor
    };
    let start = tokio::time::Instant::now();
    let exit = stubborn(&alive).run(tokio::time::sleep(GRACE), GRACE).await;
    assert_eq!(exit.tasks[0].state, TaskState::Aborted);
    assert_eq!(start.elapsed(), 2 * GRACE);
    let whole = stubborn(&alive).run(std::future::pending(), GRACE);
    assert!(tokio::time::timeout(GRACE, whole).await.is_err());
    tokio::time::sleep(GRACE).await;
    assert_eq!(Arc::strong_count(&alive), 1, "nothing of them is left");
}

/// The process's first signal stops the bots in order, the second one ends them where they are.
#[tokio::test(start_paused = true)]
async fn one_word_stops_the_bots_and_a_second_one_ends_them() {
    let (folder, registry) = (Folder::new("ending"), Registry::new());
    let after = |seconds: &'static [u64]| {
        Box::pin(stream::unfold(seconds.iter(), |mut rest| async move {
            tokio::time::sleep(Duration::from_secs(*rest.next()?)).await;
            Some(((), rest))
        }))
    };
    let runner = || runner_of(vec![seat("alpha", 0, &registry, &folder.0)]);
    let exit = runner().run_until(after(&[60]), StopPolicy::default()).await;
    assert_eq!((exit.status, exit.status.code()), (ExitStatus::Done, 0));
    assert_eq!(exit.bots.len(), 1);
    let exit = runner().run_until(after(&[60, 0]), StopPolicy::default()).await;
    assert_eq!((exit.status, exit.status.code()), (ExitStatus::Forced, 4));
    assert_eq!(exit.bots.len(), 0);

    // Mainnet without a word of consent: nothing is started.
    let validator = NetworkValidator::new().venue(NetworkVenue::Binance, NetworkAccess::MarketData);
    let variables = [("TRADEWRIGHT_NETWORK".to_owned(), "nowhere".to_owned())];
    let report = validator.validate(&variables.into_iter().collect());
    let exit = runner().validated(report).run_until(after(&[60]), StopPolicy::default()).await;
    assert_eq!((exit.status, exit.status.code()), (ExitStatus::Refused, 2));
}

/// Tasks beside the bots are part of the system's status.
#[tokio::test(start_paused = true)]
async fn tasks_are_part_of_the_systems_status() {
    let mut supervisor = supervisor();
    let config = TaskConfig { restart: RestartPolicy::Never, ..TaskConfig::default() };
    supervisor.task("metrics", config, |_| async { Err("no such port".into()) });
    let runner = runner_of(Vec::new()).tasks(supervisor.handle());
    let handle = runner.handle();
    assert!(handle.system().is_healthy);
    supervisor.run(tokio::time::sleep(GRACE), GRACE).await;
    let status = handle.system();
    assert!(!status.is_healthy);
    let text = serde_json::to_string(&status).unwrap();
    assert!(text.contains("no such port"), "{text}");
    assert_eq!(serde_json::from_str::<tradewright::live::SystemStatus>(&text).unwrap(), status);
    assert_eq!(RunnerConfig::default().snapshot_every, Duration::from_secs(60));
}
