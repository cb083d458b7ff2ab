//! The registry of strategies: what is in it, what it refuses and in which words.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tradewright::strategy::{
    BuildError, Fingerprint, ParameterKind, ParameterSpec, Parameters, RegisterError, Strategy,
    StrategyContext, StrategyRegistry, from_fn,
};
use tradewright::types::{Instrument, InstrumentId, Instruments};

const NAMES: [&str; 14] = [
    "BREAKOUT",
    "COOLDOWN",
    "DONCHIAN",
    "EMA_CROSS",
    "FILTER",
    "GRID",
    "INVERT",
    "MACD",
    "MARKET_MAKER",
    "MEAN_REVERSION",
    "PAIRS",
    "RSI_REVERSION",
    "VWAP",
    "WEIGHTED_VOTE",
];

fn with_context<T>(run: impl FnOnce(&StrategyRegistry, &StrategyContext<'_>) -> T) -> T {
    let mut table = Instruments::new();
    let universe = ["KO", "PEP"].map(|s| table.add(Instrument::stock(s, "USD")).unwrap());
    run(&StrategyRegistry::new(), &StrategyContext::new(&table, &universe))
}

fn refusal(name: &str, parameters: &str) -> String {
    with_context(|registry, context| {
        registry.build_json(name, parameters, context).unwrap_err().to_string()
    })
}

#[test]
fn the_built_ins_are_there_and_their_defaults_build() {
    with_context(|registry, context| {
        let mut names: Vec<_> = registry.names().collect();
        names.retain(|name| NAMES.contains(name));
        assert_eq!(names, NAMES);
        for info in registry.list() {
            let built = registry.build_default(&info.name, context).unwrap();
            assert_eq!(built.strategy.name(), info.name);
            assert!(!info.description.is_empty() && !info.description.contains('\n'));
            for parameter in &info.parameters {
                assert!(!parameter.spec.description.is_empty(), "{}", info.name);
                assert!(!parameter.default.is_null(), "{} {}", info.name, parameter.spec.name);
            }
            // The listed defaults are parameters that build the very same strategy.
            let defaults: serde_json::Map<_, _> = info
                .parameters
                .iter()
                .map(|parameter| (parameter.spec.name.to_owned(), parameter.default.clone()))
                .collect();
            let value = serde_json::Value::Object(defaults);
            let again = registry.build(&info.name, value, context).unwrap();
            assert_eq!(again.fingerprint, built.fingerprint, "{}", info.name);
        }
    });
}

#[test]
fn a_listing_is_enough_for_a_user_interface() {
    let list = serde_json::to_value(StrategyRegistry::new().list()).unwrap();
    let reversion =
        list.as_array().unwrap().iter().find(|s| s["name"] == "MEAN_REVERSION").unwrap();
    assert_eq!(
        reversion["parameters"][0],
        json!({
            "name": "window",
            "type": "count",
            "minimum": 2,
            "maximum": 65_536,
            "default": 20,
            "description": "Closes in the window, the current one included.",
        })
    );
    assert_eq!(reversion["parameters"][1]["default"], 2.0);
    assert_eq!(reversion["parameters"][2]["choices"], json!(["population", "sample"]));
}

#[test]
fn an_unknown_name_lists_its_near_matches() {
    let error = refusal("MEAN_REVERSON", "{}");
    assert!(
        error.starts_with("there is no strategy `MEAN_REVERSON`, did you mean `MEAN_REVERSION`?")
    );
    let error = with_context(|registry, context| {
        registry.build_default("rsi reversion", context).unwrap_err()
    });
    let BuildError::UnknownStrategy { near, known, .. } = error else { panic!("{error}") };
    assert_eq!(near.first().map(String::as_str), Some("RSI_REVERSION"));
    assert!(known.len() >= NAMES.len());
    assert!(refusal("ZIGZAG", "{}").contains(", known are `BREAKOUT`"));
    // Names from outside may be anything.
    for name in ["", "\0", &"x".repeat(1_000_000)] {
        assert!(refusal(name, "{}").len() < 1000);
    }
}

#[test]
fn parameters_that_cannot_be_are_named_with_what_is_allowed() {
    let cases = [
        ("MEAN_REVERSION", r#"{"window": 0}"#, "`window` is 0, allowed are whole numbers from 2"),
        ("MEAN_REVERSION", r#"{"window": -5}"#, "`window` is -5, allowed are whole numbers from 2"),
        ("MEAN_REVERSION", r#"{"window": "x"}"#, r#"`window` is "x", allowed are whole numbers"#),
        ("MEAN_REVERSION", r#"{"window": null}"#, "`window` is not a finite number"),
        ("MEAN_REVERSION", r#"{"std_dev_factor": -1.0}"#, "`std_dev_factor` is -1.0, allowed are"),
        ("MEAN_REVERSION", r#"{"std_dev_factor": 0}"#, "`std_dev_factor` is 0.0, allowed are"),
        (
            "MEAN_REVERSION",
            r#"{"form": "often"}"#,
            r#"`form` is "often", allowed are the words cross, level"#,
        ),
        ("MEAN_REVERSION", r#"{"windw": 5}"#, "no parameter `windw`, did you mean `window`?"),
        ("BREAKOUT", r#"{"lookback": 0}"#, "`lookback` is 0"),
        ("BREAKOUT", r#"{"lookback": 10000000}"#, "`lookback` is 10000000"),
        ("BREAKOUT", r#"{"volume_factor": -0.5}"#, "`volume_factor` is -0.5"),
        (
            "BREAKOUT",
            r#"{"volume_factor": 0.30000000000000004}"#,
            "`volume_factor` is 0.30000000000000004",
        ),
        ("VWAP", r#"{"threshold": 0}"#, "`threshold` is 0.0"),
        ("VWAP", r#"{"anchor": "daily"}"#, "cumulative, session, rolling"),
        ("VWAP", r#"{"anchor": {"session": {"zone": "Atlantis", "reset": "09:30"}}}"#, "Atlantis"),
        ("VWAP", r#"{"anchor": {"session": {"zone": "UTC", "reset": "25:00"}}}"#, "25:00"),
        ("VWAP", r#"{"anchor": {"rolling": {"bars": 0}}}"#, "`anchor.rolling.bars` is 0"),
        (
            "EMA_CROSS",
            r#"{"fast": 30}"#,
            "`fast` is 30, allowed are whole numbers below `slow`, which is 26",
        ),
        ("MACD", r#"{"slow": 5}"#, "`fast` is 12"),
        ("RSI_REVERSION", r#"{"oversold": 80}"#, "`oversold` is 80"),
        ("PAIRS", r#"{"exit_z": 3}"#, "`exit_z` is 3"),
        (
            "PAIRS",
            r#"{"quantity": "0"}"#,
            r#"`quantity` is "0", allowed are exact decimals above 0"#,
        ),
        ("GRID", r#"{"levels_below": 0, "levels_above": 0}"#, "`levels_below` is 0"),
        ("GRID", r#"{"quantity": "0.5"}"#, "multiples of KO's step 1"),
        (
            "FILTER",
            r#"{"only_if": {"conditions": {"any_of": []}}}"#,
            "`only_if.conditions.any_of` is empty",
        ),
        ("FILTER", r#"{"only_if": {"conditions": {"any_of": ["sunny"]}}}"#, "sunny"),
        ("COOLDOWN", r#"{"bars": 0}"#, "`bars` is 0"),
        (
            "WEIGHTED_VOTE",
            r#"{"members": []}"#,
            "`members` is [], allowed are lists of at least one",
        ),
        ("BREAKOUT", "[1]", "parameters must be a map of names to values, not [1]"),
        ("BREAKOUT", "{", "parameters must be a map"),
    ];
    for (name, parameters, expected) in cases {
        let error = refusal(name, parameters);
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
        assert!(error.contains(expected), "{name} {parameters}: {error}");
        assert!(!error.ends_with('.'), "{error}");
    }
}

#[test]
fn members_are_named_on_the_way_to_the_fault() {
    let error = refusal(
        "COOLDOWN",
        r#"{"strategy": {"name": "INVERT", "parameters": {"strategy":
            {"name": "BREAKOUT", "parameters": {"lookback": 0}}}}}"#,
    );
    assert!(error.starts_with("COOLDOWN: INVERT: BREAKOUT: `lookback` is 0"), "{error}");
    let error = refusal("WEIGHTED_VOTE", r#"{"members": [{"name": "BREAKOUT", "weight": -1}]}"#);
    assert!(error.contains("`members[0].weight` is -1"), "{error}");
    let error = refusal("WEIGHTED_VOTE", r#"{"members": [{"nam": "BREAKOUT"}]}"#);
    assert!(error.contains("`members`") && error.contains("nam"), "{error}");
    let error = refusal("WEIGHTED_VOTE", r#"{"members": [{"name": "BREAKUOT"}]}"#);
    assert!(error.contains("did you mean `BREAKOUT`"), "{error}");
    let mut nested = json!({"name": "BREAKOUT"});
    for _ in 0..20 {
        nested = json!({"name": "INVERT", "parameters": {"strategy": nested}});
    }
    let error = refusal("INVERT", &json!({"strategy": nested}).to_string());
    assert!(error.contains("more than 16 levels"), "{error}");
}

#[test]
fn universes_that_do_not_fit_are_refused() {
    let registry = StrategyRegistry::new();
    let mut table = Instruments::new();
    let only = [table.add(Instrument::stock("KO", "USD")).unwrap()];
    let text = |name, universe: &[InstrumentId]| {
        let context = StrategyContext::new(&table, universe);
        registry.build_default(name, &context).unwrap_err().to_string()
    };
    assert!(text("PAIRS", &only).contains("exactly two different instruments, its slot trades 1"));
    assert!(text("PAIRS", &[only[0], only[0]]).contains("exactly two different"));
    for name in NAMES {
        assert!(text(name, &[]).contains("at least one instrument"), "{name}");
        assert!(text(name, &[InstrumentId(7)]).contains("number 7 is unknown"), "{name}");
    }
}

#[test]
fn a_bad_number_in_code_is_refused_too() {
    use tradewright::strategy::{MeanReversion, MeanReversionParameters};
    with_context(|_, context| {
        for factor in [f64::NAN, f64::INFINITY, -2.0, 0.0] {
            let parameters =
                MeanReversionParameters { std_dev_factor: factor, ..Default::default() };
            let error = MeanReversion::new(parameters, context).unwrap_err().to_string();
            assert!(error.contains("std_dev_factor"), "{error}");
        }
    });
}

#[test]
fn any_self_describing_format_will_do() {
    with_context(|registry, context| {
        let json = registry.build_json("BREAKOUT", r#"{"lookback": 55}"#, context).unwrap();
        #[derive(Serialize)]
        struct Given {
            lookback: u32,
        }
        let bytes = rmp_serde::to_vec_named(&Given { lookback: 55 }).unwrap();
        let mut reader = rmp_serde::Deserializer::from_read_ref(&bytes);
        let pack = registry.build("BREAKOUT", &mut reader, context).unwrap();
        assert_eq!(json.fingerprint, pack.fingerprint);
        let unit = registry.build("BREAKOUT", json!(null), context).unwrap();
        assert_eq!(
            unit.fingerprint,
            registry.build_default("BREAKOUT", context).unwrap().fingerprint
        );
    });
}

#[test]
fn the_fingerprint_is_of_name_and_complete_parameters() {
    with_context(|registry, context| {
        let of =
            |name: &str, text: &str| registry.build_json(name, text, context).unwrap().fingerprint;
        let plain = of("BREAKOUT", "{}");
        assert_eq!(plain, of("BREAKOUT", r#"{"volume_factor": 1.5, "lookback": 20}"#));
        assert_ne!(plain, of("BREAKOUT", r#"{"lookback": 21}"#));
        assert_ne!(of("EMA_CROSS", "{}"), of("MACD", "{}"));
        let text = plain.to_string();
        assert_eq!((text.len(), text.parse::<Fingerprint>()), (16, Ok(plain)));
        // Parameters of members count.
        let inside = |lookback: u32| {
            let member = json!({"name": "BREAKOUT", "parameters": {"lookback": lookback}});
            of("INVERT", &json!({"strategy": member}).to_string())
        };
        assert_ne!(inside(20), inside(21));
        // Releases must not change it: states of users are tied to it.
        assert_eq!(plain.to_string(), "21f3267e9f39dc3a");
    });
}

#[derive(Serialize, Deserialize)]
struct Every {
    bars: u32,
}

impl Default for Every {
    fn default() -> Self {
        Self { bars: 3 }
    }
}

impl Parameters for Every {
    const SPECS: &'static [ParameterSpec] = &[ParameterSpec {
        name: "bars",
        kind: ParameterKind::Count { minimum: 1, maximum: 10 },
        description: "Buys on every so many bars.",
    }];
}

fn every(parameters: Every, _: &StrategyContext<'_>) -> Result<Box<dyn Strategy>, BuildError> {
    let mut seen = 0;
    Ok(Box::new(from_fn("EVERY", move |event, _, advice| {
        seen += u32::from(event.bar().is_some());
        if seen % parameters.bars == 0 {
            advice.buy(tradewright::types::Confidence::FULL);
        }
    })))
}

#[test]
fn hosts_register_their_own_once() {
    let mut registry = StrategyRegistry::new();
    registry.register("EVERY", "Buys now and then", every).unwrap();
    let again = registry.register("EVERY", "Buys now and then", every).unwrap_err();
    assert_eq!(again, RegisterError::Duplicate { name: "EVERY".to_owned() });
    let built_in = registry.register("VWAP", "Mine is better", every).unwrap_err();
    assert_eq!(built_in.to_string(), "a strategy `VWAP` is registered already");
    for name in ["", &"N".repeat(32)] {
        let error = registry.register(name, "", every).unwrap_err();
        assert!(matches!(error, RegisterError::BadName { .. }), "{error}");
    }
    with_context(|_, context| {
        assert_eq!(registry.build_default("EVERY", context).unwrap().strategy.name(), "EVERY");
        let error = registry.build_json("EVERY", r#"{"bars": 11}"#, context).unwrap_err();
        assert_eq!(
            error.to_string(),
            "EVERY: `bars` is 11, allowed are whole numbers from 1 to 10"
        );
        // A host's own strategy is a member like any other, although its type has no serde default.
        let vote = json!({"members": [{"name": "EVERY", "parameters": {}}, {"name": "BREAKOUT"}]});
        registry.build("WEIGHTED_VOTE", vote, context).unwrap();
    });
    assert!(registry.list().iter().any(|info| info.name == "EVERY"));
    assert!(StrategyRegistry::empty().list().is_empty());
}

#[derive(Default, Serialize, Deserialize)]
struct Wrong {
    bars: u32,
}

impl Parameters for Wrong {
    const SPECS: &'static [ParameterSpec] = Every::SPECS;
}

#[test]
fn defaults_out_of_their_own_range_are_refused() {
    let mut registry = StrategyRegistry::new();
    let error = registry
        .register("WRONG", "", |parameters: Wrong, context: &StrategyContext<'_>| {
            every(Every { bars: parameters.bars }, context)
        })
        .unwrap_err();
    assert!(error.to_string().contains("`bars` is 0"), "{error}");
}

/// The registry takes any self-describing format: TOML builds what the same JSON builds, down to
/// members of a combinator, and mistakes are named in the same words.
#[test]
fn parameters_may_be_toml() {
    let read = |text: &str| text.parse::<toml::Table>().map(toml::Value::Table).unwrap();
    with_context(|registry, context| {
        let cases = [
            (
                "BREAKOUT",
                "lookback = 55\nvolume_factor = 2.0",
                r#"{"lookback": 55, "volume_factor": 2.0}"#,
            ),
            ("MEAN_REVERSION", "", "{}"),
            (
                "INVERT",
                "[strategy]\nname = \"VWAP\"\n[strategy.parameters]\nthreshold = 0.01",
                r#"{"strategy": {"name": "VWAP", "parameters": {"threshold": 0.01}}}"#,
            ),
        ];
        for (name, text, json) in cases {
            let built = registry.build(name, read(text), context).unwrap();
            let same = registry.build_json(name, json, context).unwrap();
            assert_eq!(built.fingerprint, same.fingerprint, "{name}");
        }
        let refused =
            |text| registry.build("BREAKOUT", read(text), context).unwrap_err().to_string();
        for (text, words) in [
            ("lookbak = 3", "there is no parameter `lookbak`, did you mean `lookback`?"),
            ("lookback = \"x\"", "lookback"),
            ("lookback = 2024-08-08", "lookback"),
            ("volume_factor = nan", "volume_factor"),
        ] {
            let error = refused(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    });
}
