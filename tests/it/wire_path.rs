//! A frame of the venue becomes a signed order: the way that the bench `wire` measures is whole.

use std::collections::BTreeSet;

use crate::every_rule_support::every_rule;
use crate::wire_path_support::{KLINES, QUOTES, WirePath, ed25519, hmac};
use crate::workload_c_support::wide_limits;
use tradewright::risk::PortfolioRiskSettings;
use tradewright::types::InstrumentId;
use tradewright::venue::binance::HmacKey;
use tradewright::venue::binance::SecretString;

#[test]
fn every_frame_becomes_one_signed_order() {
    let key =
        SecretString::from("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j");
    let key = HmacKey::new(&key).unwrap();
    let every = || every_rule(&[InstrumentId(0)], PortfolioRiskSettings::default());
    for pair in [QUOTES, KLINES] {
        for (name, mut path) in [
            ("seven limits", WirePath::new(wide_limits(), hmac())),
            ("every rule", WirePath::new(every(), hmac()).after_days(300)),
        ] {
            let mut ids = BTreeSet::new();
            for number in 1..=200 {
                let query = path.frame(pair[number % 2].as_bytes()).to_owned();
                let signed = query.rsplit_once("&signature=");
                let (payload, signature) =
                    signed.unwrap_or_else(|| panic!("{name}: nothing on frame {number}"));
                key.verify(payload.as_bytes(), signature).unwrap();
                let id = payload.split('&').find(|field| field.starts_with("newClientOrderId="));
                assert!(ids.insert(id.unwrap().to_owned()), "{payload}");
                for part in ["symbol=BTCUSDT", "side=BUY", "quantity=0.025"] {
                    assert!(payload.split('&').any(|field| field == part), "{part}: {payload}");
                }
                assert_eq!(path.answer(), 1);
            }
        }
        let mut path = WirePath::new(wide_limits(), ed25519());
        assert!(path.frame(pair[0].as_bytes()).contains("&signature="));
    }
}

#[test]
fn a_frame_without_news_becomes_nothing() {
    let mut path = WirePath::new(wide_limits(), hmac());
    let foreign = QUOTES[0].replace("BTCUSDT", "ETHUSDT");
    assert_eq!(path.frame(foreign.as_bytes()), "");
    let forming = KLINES[0].replace(r#""x":true"#, r#""x":false"#);
    assert_eq!(path.frame(forming.as_bytes()), "");
    assert_eq!(path.answer(), 0);
}
