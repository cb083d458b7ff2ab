//! Saved states with one place damaged, every place in every way: what is refused changes nothing;
//! what is taken is held as it is, is worked with, and can be saved and taken again.
//!
//! Which damages are taken is written down in `damaged_states/*.txt`, one line for each place and
//! each sign of [`damage::SIGNS`]; a place without a line refuses them all. After a change of a
//! state's form or its checks, read what the failing test says, and replace the lines.

mod damage;
mod money;
mod orders;
mod risk;

use core::fmt::Write as _;
use std::collections::BTreeMap;

use rmpv::Value;
use tradewright::types::State;

use damage::{SIGNS, damages, grown, read, write};

/// Takes a state; the state saved again, `None` where it was refused.
type Take = Box<dyn Fn(&[u8]) -> Option<Vec<u8>>>;

/// A part with its states at several points of a story.
struct Subject {
    name: &'static str,
    states: Vec<Vec<u8>>,
    take: Take,
    /// Beginnings of the places that are damaged; all of them when there are none.
    only: &'static [&'static str],
}

impl Subject {
    fn only(self, only: &'static [&'static str]) -> Self {
        Self { only, ..self }
    }

    fn damages(&self, place: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|beginning| place.starts_with(beginning))
    }
}

/// Steps of the story that are told to a part after it has taken a damaged state.
const MORE: usize = 12;

/// A part that `make` makes, `tell` tells the steps of a story, and whose state is damaged after
/// each of so many steps.
fn subject<S: State + 'static>(
    name: &'static str,
    make: impl Fn() -> S + 'static,
    tell: impl Fn(&mut S, usize) + 'static,
    points: &[usize],
) -> Subject {
    let told = |steps: usize| {
        let mut part = make();
        (0..steps).for_each(|step| tell(&mut part, step));
        part.save().unwrap()
    };
    let states = points.iter().map(|point| told(*point)).collect();
    let last = points.iter().max().copied().unwrap_or_default();
    let take = move |state: &[u8]| {
        let mut part = make();
        tell(&mut part, 0);
        let before = part.save().unwrap();
        if part.restore(state).is_err() {
            assert_eq!(part.save().unwrap(), before, "{name}: a refused state has changed it");
            return None;
        }
        let taken = part.save().unwrap();
        (last..last + MORE).for_each(|step| tell(&mut part, step));
        make().restore(&part.save().unwrap()).unwrap();
        Some(taken)
    };
    Subject { name, states, take: Box::new(take), only: &[] }
}

/// Which damages a subject takes, one line for each place that takes any; after a bar those that
/// it takes and mends.
fn answers(subject: &Subject) -> String {
    let mut text = String::new();
    for (number, state) in subject.states.iter().enumerate() {
        writeln!(text, "## {} {number}", subject.name).unwrap();
        let value = read(state).unwrap();
        assert_eq!(&write(&value), state, "{}", subject.name);
        let taken = (subject.take)(state);
        assert_eq!(taken.as_ref(), Some(state), "{}: sound, and taken as it is", subject.name);
        let mut found: BTreeMap<String, [String; 2]> = BTreeMap::new();
        damages(&value, "", &mut |place, sign, damaged| {
            if !subject.damages(place) {
                return;
            }
            let damaged = write(&damaged);
            if let Some(taken) = (subject.take)(&damaged) {
                let [held, mended] = found.entry(place.to_owned()).or_default();
                if taken == damaged { held.push(sign) } else { mended.push(sign) }
            }
        });
        for (place, [held, mended]) in found {
            let bar = if mended.is_empty() { "" } else { " | " };
            writeln!(text, "{place}: {held}{bar}{mended}").unwrap();
        }
    }
    text
}

/// Holds what the subjects answer against what is written down.
fn hold(file: &str, written: &str, subjects: &[Subject]) {
    let found: String = subjects.iter().map(answers).collect();
    let found = format!("{SIGNS}{found}");
    if found == written {
        return;
    }
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/damaged_states");
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(format!("{folder}/{file}.txt"), &found).unwrap();
    let mut differences = String::new();
    let of = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (now, then) = (of(&found), of(written));
    for line in then.iter().filter(|line| !now.contains(line)).take(20) {
        writeln!(differences, "written  {line}").unwrap();
    }
    for line in now.iter().filter(|line| !then.contains(line)).take(20) {
        writeln!(differences, "found    {line}").unwrap();
    }
    panic!("{file}: other damages are taken than written down, see {folder}\n{differences}");
}

/// An array of a state holds so many items and no more.
fn holds_at_most(subject: &Subject, place: &[&str], most: usize) {
    let state = subject.states.last().unwrap();
    let value: Value = read(state).unwrap();
    let name = subject.name;
    let full = write(&grown(&value, place, most));
    assert_eq!((subject.take)(&full), Some(full.clone()), "{name}: {most} in {place:?}");
    let over = write(&grown(&value, place, most + 1));
    assert_eq!((subject.take)(&over), None, "{name}: {most} and one in {place:?}");
}
