//! Orders for the chain are those of the venue's own client, byte for byte, and what has no place
//! on the chain is refused.

use tradewright::types::{
    Amount, Classify, Decimal, InstrumentId, Intent, Money, Order, OrderFlags, OrderId, OrderKind,
    Price, Qty, RejectReason, RetryAdvice, Side, SlotId, TimeInForce, Timestamp,
};
use tradewright::venue::dydx::{
    ChainAccount, ChainAddress, ChainCancel, ChainExecution, ChainKey, ChainKeyError, ChainLife,
    ChainOrder, ChainOrderError, ChainSigner, ChainTerms, ChainTrigger, DydxMarket, DydxUnitError,
    Resting, SHORT_TERM_SEQUENCE, SecretString, account_request, broadcast_request, client_id,
    decode_account, decode_broadcast, decode_markets,
};

/// What `tests/clients/dydx_encodings.py` prints, with dydx-v4-client 1.1.5 and v4-proto 8.2.0 of
/// PyPI: addresses, public keys and signed transactions.
const VECTORS: &str = include_str!("../../data/dydx/transactions.txt");

/// The first test vector of BIP-39.
const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon \
    abandon abandon about";
const HEX: &str = "e9ae670300ce5b14ec4ea2a42dc37eb96c84c07f9f15a6a4e08dcaa6f3cc2b5d";
const TESTNET: &str = "dydx-testnet-4";
const MAINNET: &str = "dydx-mainnet-1";

fn vector(name: &str) -> &'static str {
    let line = VECTORS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no vector is called {name}"))
}

fn words() -> ChainKey {
    ChainKey::from_mnemonic(&SecretString::from(WORDS)).unwrap()
}

fn key() -> ChainKey {
    ChainKey::from_hex(&SecretString::from(HEX)).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

const FIRST: ChainOrder = ChainOrder {
    client: 7,
    clob_pair: 0,
    side: Side::Buy,
    quantums: 1_000_000,
    subticks: 11_881_000_000,
    life: ChainLife::ShortTerm { last_block: 1_020 },
    execution: ChainExecution::ImmediateOrCancel,
    reduce_only: false,
    client_metadata: 1,
};
const LONG: ChainOrder = ChainOrder {
    client: 9,
    life: ChainLife::LongTerm { until: 1_800_000_000 },
    execution: ChainExecution::Rest,
    client_metadata: 0,
    ..FIRST
};
const STOP: ChainOrder = ChainOrder {
    client: 11,
    side: Side::Sell,
    subticks: 11_762_000_000,
    life: ChainLife::Conditional {
        until: 1_800_000_000,
        trigger: ChainTrigger::StopLoss { subticks: 11_881_000_000 },
    },
    ..FIRST
};
const TARGET: ChainOrder = ChainOrder {
    client: 12,
    subticks: 11_962_000_000,
    life: ChainLife::Conditional {
        until: 1_800_000_000,
        trigger: ChainTrigger::TakeProfit { subticks: 11_981_000_000 },
    },
    execution: ChainExecution::Rest,
    client_metadata: 0,
    ..STOP
};

/// The cases of `tests/clients/dydx_encodings.py`.
fn transactions() -> Vec<(&'static str, Vec<u8>)> {
    const NONE: u64 = SHORT_TERM_SEQUENCE;
    let test = |number| ChainSigner::new(words(), number, TESTNET, 42);
    let main = |number, account| ChainSigner::new(key(), number, MAINNET, account);
    let post_only = ChainOrder {
        client: 12_582_929,
        clob_pair: 1,
        side: Side::Sell,
        quantums: 2_500_000_000,
        subticks: 3_500_000_000,
        life: ChainLife::ShortTerm { last_block: 55_000_020 },
        execution: ChainExecution::PostOnly,
        client_metadata: 0,
        ..FIRST
    };
    let widest = ChainOrder {
        client: u32::MAX,
        side: Side::Sell,
        quantums: u64::MAX,
        subticks: 1,
        life: ChainLife::ShortTerm { last_block: u32::MAX },
        reduce_only: true,
        client_metadata: 0,
        ..FIRST
    };
    let least = ChainOrder {
        client: 0,
        quantums: 1,
        subticks: 1,
        life: ChainLife::ShortTerm { last_block: 1 },
        execution: ChainExecution::Rest,
        client_metadata: 0,
        ..FIRST
    };
    let long_post_only = ChainOrder {
        client: 10,
        clob_pair: 300,
        side: Side::Sell,
        quantums: 30_000_000,
        subticks: 700_000,
        life: ChainLife::LongTerm { until: 4_000_000_000 },
        execution: ChainExecution::PostOnly,
        ..LONG
    };
    let batch = [(0, vec![7, 300, 70_000]), (5, vec![1])];
    vec![
        ("short_ioc_market", test(0).place(&FIRST, NONE)),
        ("short_post_only", test(0).place(&post_only, NONE)),
        ("short_reduce_only", main(128_000, 1_234_567).place(&widest, NONE)),
        ("short_rest_client_zero", main(0, 0).place(&least, NONE)),
        ("long_term", test(0).place(&LONG, 5)),
        ("long_term_post_only", main(127, 99).place(&long_post_only, u64::MAX)),
        ("stop_loss", test(0).place(&STOP, 6)),
        ("take_profit", main(0, 42).place(&TARGET, 7)),
        ("cancel_short", test(0).cancel(&ChainCancel::of(&FIRST), NONE)),
        ("cancel_long", test(0).cancel(&ChainCancel::of(&LONG), 8)),
        ("cancel_conditional", main(3, 42).cancel(&ChainCancel::of(&TARGET), 9)),
        ("cancel_batch", test(1).cancel_batch(&batch, 1_020)),
    ]
}

#[test]
fn every_transaction_is_that_of_the_venues_client() {
    let query = account_request(1, words().address());
    let query = query.split(r#""data":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut found = vec![
        ("address_words", words().address().to_string()),
        ("public_key_words", hex(&words().public_key())),
        ("address_hex", key().address().to_string()),
        ("public_key_hex", hex(&key().public_key())),
    ];
    found.extend(transactions().iter().map(|(name, made)| (*name, hex(made))));
    found.push(("account_query", query));
    for (name, made) in &found {
        // Read by tests/clients/dydx_encodings.py.
        println!("encoding {name} {made}");
        assert_eq!(made, vector(name), "{name}");
    }
    assert_eq!(found.len() + 1, VECTORS.lines().count(), "every vector is compared");
}

/// The chain refuses the other of the two signatures that fit.
#[test]
fn signatures_have_the_lower_s() {
    let half = bytes("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
    for message in 0_u8..64 {
        let signature = key().sign(&[message]);
        assert!(signature[32..] <= half[..], "{message}");
        assert!(key().has_signed(&[message], &signature));
        assert!(!key().has_signed(&[message + 1], &signature));
    }
}

#[test]
fn keys_and_addresses_that_are_none_are_refused_and_not_shown() {
    let hex = |text: &str| ChainKey::from_hex(&SecretString::from(text)).map(|_| ());
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for text in ["", "0x", &HEX[1..], &"0".repeat(64), order, &"g".repeat(64), &"é".repeat(32)] {
        assert_eq!(hex(text), Err(ChainKeyError::BadHex), "{text}");
    }
    assert_eq!(hex(&format!(" 0x{}\n", HEX.to_uppercase())), Ok(()));
    for text in ["", "abandon", &WORDS.replace("about", "abandon"), &WORDS.replace("about", "x")] {
        let read = ChainKey::from_mnemonic(&SecretString::from(text)).map(|_| ());
        assert_eq!(read, Err(ChainKeyError::BadWords), "{text}");
    }
    let shown = format!("{:?}", ChainSigner::new(key(), 0, TESTNET, 42));
    assert!(!shown.contains(&HEX[..8]) && shown.contains("dydx13grks234"), "{shown}");

    let good = words().address().to_string();
    assert_eq!(ChainAddress::parse(&good).as_ref(), Ok(words().address()));
    let other = format!("{}q{}", &good[..10], &good[11..]);
    let cosmos = "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4";
    for text in ["", "dydx1", &good[..42], &good.to_uppercase(), &other, cosmos] {
        assert!(ChainAddress::parse(text).is_err(), "{text}");
    }
}

fn bitcoin() -> DydxMarket {
    let body = br#"{"markets":{"BTC-USD":{"clobPairId":"0","ticker":"BTC-USD","status":"ACTIVE",
        "oraclePrice":"118810","tickSize":"1","stepSize":"0.0001","atomicResolution":-10,
        "quantumConversionExponent":-9,"stepBaseQuantums":1000000,"subticksPerTick":100000,
        "initialMarginFraction":"0.02","maintenanceMarginFraction":"0.012"}}}"#;
    decode_markets(body).unwrap().remove(0)
}

const AT: Timestamp = Timestamp::from_nanos(1_800_000_000_500_000_000);
const TERMS: ChainTerms = ChainTerms::new(1_000, AT);

fn price(text: &str) -> Price {
    Price::new(text.parse().unwrap()).unwrap()
}

fn order(side: Side, change: impl FnOnce(&mut Intent)) -> Order {
    let quantity = Qty::new("0.0001".parse().unwrap());
    let mut intent = Intent::market(SlotId(1), InstrumentId(0), side, quantity);
    intent.reference = 118_810.5;
    change(&mut intent);
    Order { id: OrderId::new(3, SlotId(1), 17), created_at: AT, intent }
}

fn limit(side: Side, change: impl FnOnce(&mut Intent)) -> Order {
    order(side, |intent| {
        intent.kind = OrderKind::Limit { price: price("118810") };
        change(intent);
    })
}

fn made(order: &Order, terms: &ChainTerms) -> ChainOrder {
    ChainOrder::new(&bitcoin(), order, terms).unwrap()
}

/// One percent beyond 118,810.5 is 119,998.605 and 117,622.395: the grid's points within.
#[test]
fn market_orders_fill_at_once_within_the_slippage() {
    let bought = made(&order(Side::Buy, |_| {}), &TERMS);
    let expected = ChainOrder {
        client: 3 << 22 | 17,
        clob_pair: 0,
        side: Side::Buy,
        quantums: 1_000_000,
        subticks: 11_999_800_000,
        life: ChainLife::ShortTerm { last_block: 1_020 },
        execution: ChainExecution::ImmediateOrCancel,
        reduce_only: false,
        client_metadata: 1,
    };
    assert_eq!(bought, expected);
    let sold = made(&order(Side::Sell, |intent| intent.flags.reduce_only = true), &TERMS);
    assert_eq!((sold.subticks, sold.reduce_only), (11_762_300_000, true));
    for reference in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        let blind = order(Side::Buy, |intent| intent.reference = reference);
        let refused = ChainOrder::new(&bitcoin(), &blind, &TERMS);
        assert_eq!(refused, Err(ChainOrderError::NoPrice), "{reference}");
    }
    let whole = ChainTerms { slippage_bps: u16::MAX, ..TERMS };
    let refused = ChainOrder::new(&bitcoin(), &order(Side::Sell, |_| {}), &whole);
    assert_eq!(refused, Err(ChainOrderError::NoPrice));
}

#[test]
fn limit_orders_rest_where_they_are_told_to() {
    let short = ChainTerms { resting: Resting::ShortTerm, blocks: 1_000, ..TERMS };
    let quote = limit(Side::Buy, |intent| {
        intent.flags = OrderFlags { post_only: true, reduce_only: false };
    });
    let rests = made(&quote, &short);
    let last = ChainLife::ShortTerm { last_block: 1_020 };
    assert_eq!((rests.life, rests.execution), (last, ChainExecution::PostOnly));
    assert_eq!((rests.subticks, rests.client_metadata), (11_881_000_000, 0));

    let long = made(&quote, &TERMS);
    let ninety_days = 1_800_000_000 + 90 * 86_400;
    assert_eq!(long.life, ChainLife::LongTerm { until: ninety_days });
    assert!(long.life.is_stateful() && !rests.life.is_stateful());

    let ends = |time_in_force| {
        let order = limit(Side::Buy, |intent| intent.time_in_force = time_in_force);
        ChainOrder::new(&bitcoin(), &order, &short).map(|made| made.life)
    };
    let at = |seconds| TimeInForce::Gtd(Timestamp::from_secs(seconds).unwrap());
    assert_eq!(ends(at(1_800_000_060)), Ok(ChainLife::LongTerm { until: 1_800_000_060 }));
    assert_eq!(ends(TimeInForce::Day), Ok(ChainLife::LongTerm { until: 1_800_057_600 }));
    assert_eq!(ends(TimeInForce::Ioc), Ok(last));
    for end in [at(1_800_000_000), at(1_800_000_001 + 95 * 86_400), at(0)] {
        assert!(matches!(ends(end), Err(ChainOrderError::BadEnd { .. })), "{end:?}");
    }
    let whole = ends(TimeInForce::Fok);
    assert!(matches!(whole, Err(ChainOrderError::Unsupported { .. })), "{whole:?}");
}

#[test]
fn triggers_make_conditional_orders() {
    let until = 1_800_000_000 + 90 * 86_400;
    let kind = |kind| made(&order(Side::Sell, |intent| intent.kind = kind), &TERMS);
    let trigger = price("100000");
    let stop = kind(OrderKind::StopMarket { trigger });
    let waits = ChainTrigger::StopLoss { subticks: 10_000_000_000 };
    assert_eq!(stop.life, ChainLife::Conditional { until, trigger: waits });
    assert_eq!((stop.subticks, stop.client_metadata), (9_900_000_000, 1));
    assert_eq!(stop.execution, ChainExecution::ImmediateOrCancel);

    let limited = kind(OrderKind::StopLimit { trigger, price: price("99000") });
    assert_eq!((limited.life, limited.execution), (stop.life, ChainExecution::Rest));
    assert_eq!((limited.subticks, limited.client_metadata), (9_900_000_000, 0));

    let target = kind(OrderKind::TakeProfit { trigger });
    let waits = ChainTrigger::TakeProfit { subticks: 10_000_000_000 };
    assert_eq!(target.life, ChainLife::Conditional { until, trigger: waits });
}

#[test]
fn what_has_no_place_on_the_chain_is_refused() {
    let refused = |order: &Order| ChainOrder::new(&bitcoin(), order, &TERMS).unwrap_err();
    let off_step = limit(Side::Buy, |intent| {
        intent.amount = Amount::Quantity(Qty::new("0.00015".parse().unwrap()));
    });
    let between = |value: &str, step: &str| {
        let (value, step) = (value.parse().unwrap(), step.parse().unwrap());
        ChainOrderError::Unit(DydxUnitError::BetweenSteps { value, step })
    };
    assert_eq!(refused(&off_step), between("0.00015", "0.0001"));
    let off_tick = limit(Side::Buy, |intent| {
        intent.kind = OrderKind::Limit { price: price("118810.5") };
    });
    assert_eq!(refused(&off_tick), between("118810.5", "1"));
    let trigger = price("118810.5");
    let off_trigger = order(Side::Buy, |intent| intent.kind = OrderKind::StopMarket { trigger });
    assert_eq!(refused(&off_trigger), between("118810.5", "1"));

    let cash = order(Side::Buy, |intent| {
        let asset = tradewright::types::AssetId(0);
        intent.amount = Amount::Cash(Money::new(Decimal::from(100), asset));
    });
    let both = limit(Side::Buy, |intent| {
        intent.time_in_force = TimeInForce::Ioc;
        intent.flags.post_only = true;
    });
    let whole = order(Side::Buy, |intent| intent.time_in_force = TimeInForce::Fok);
    for order in [cash, both, whole] {
        assert!(matches!(refused(&order), ChainOrderError::Unsupported { .. }), "{order:?}");
    }
    let mut late = limit(Side::Buy, |_| {});
    late.id = OrderId::new(3, SlotId(1), 1 << 22);
    assert_eq!(refused(&late), ChainOrderError::NoClientId { order: late.id });
    let last = OrderId::new(u32::MAX, SlotId(1), (1 << 22) - 1);
    assert_eq!(client_id(last), Some(u32::MAX));
}

#[test]
fn a_validators_answers_are_told_apart() {
    let body = broadcast_request(5, &[0xfb, 0xff]);
    let text = r#"{"jsonrpc":"2.0","id":5,"method":"broadcast_tx_sync","params":{"tx":"+/8="}}"#;
    assert_eq!(body, text);

    let taken = br#"{"jsonrpc":"2.0","id":5,"result":{"code":0,"data":"","log":"[]",
        "codespace":"","hash":"AB12"}}"#;
    assert_eq!(decode_broadcast(taken).unwrap(), Ok("AB12".to_owned()));
    let refused = |codespace: &str, code: i64| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":5,"result":{{"code":{code},"data":"","log":"why \"so\"",
            "codespace":"{codespace}","hash":"AB12"}}}}"#
        );
        decode_broadcast(body.as_bytes()).unwrap().unwrap_err()
    };
    let sequence = refused("sdk", 32);
    assert!(sequence.is_sequence_mismatch() && !sequence.is_outcome_unknown());
    assert_eq!(sequence.classification().retry, RetryAdvice::Resynchronise);
    assert_eq!(sequence.log, r#"why "so""#);
    assert!(!refused("clob", 32).is_sequence_mismatch(), "another module's number");
    assert_eq!(refused("clob", 2003).reason(), RejectReason::WouldTake);
    assert_eq!(refused("clob", 3006).reason(), RejectReason::NotFound);
    assert_eq!(refused("clob", 3007).reason(), RejectReason::InsufficientFunds);
    assert_eq!(refused("clob", 11).reason(), RejectReason::InvalidOrder);
    assert!(!refused("sdk", 4).classification().is_recoverable);
    assert!(refused("sdk", 19).is_outcome_unknown());

    let cached = br#"{"jsonrpc":"2.0","id":5,"error":{"code":-32603,"message":"Internal error",
        "data":"tx already exists in cache"}}"#;
    let cached = decode_broadcast(cached).unwrap().unwrap_err();
    assert_eq!(cached.classification().retry, RetryAdvice::LookUp);
    for body in ["", "{}", r#"{"result":{}}"#, r#"{"result":{"code":0}}"#, "<html>"] {
        assert!(decode_broadcast(body.as_bytes()).is_err(), "{body}");
        assert!(decode_account(body.as_bytes()).is_err(), "{body}");
    }
}

/// The answer was encoded by the venue's client.
#[test]
fn an_accounts_numbers_are_read() {
    use base64::Engine;
    let answer = |value: &[u8], code: u32| {
        let value = base64::engine::general_purpose::STANDARD.encode(value);
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"response":{{"code":{code},"log":"none",
            "info":"","index":"0","key":null,"value":"{value}","proofOps":null,"height":"9",
            "codespace":"sdk"}}}}}}"#
        )
    };
    let whole = bytes(vector("account_answer"));
    let read = decode_account(answer(&whole, 0).as_bytes()).unwrap();
    assert_eq!(read, Ok(ChainAccount { number: 42, sequence: 5 }));
    let missing = decode_account(answer(&[], 22).as_bytes()).unwrap().unwrap_err();
    assert_eq!((missing.code, missing.codespace.as_str()), (22, "sdk"));
    for cut in 0..whole.len() {
        assert!(decode_account(answer(&whole[..cut], 0).as_bytes()).is_err(), "{cut}");
    }
}
