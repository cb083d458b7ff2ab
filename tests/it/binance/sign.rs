//! Signatures are those of the venue's documentation, and none passes for another payload.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey};
use proptest::prelude::*;
use tradewright::venue::binance::{
    Credentials, Ed25519Key, Ed25519PublicKey, HmacKey, KeyError, RequestSigner, SecretString,
    Signature, SignatureError, VerifyingKey, WsParams,
};

/// Key and secret of the examples in the venue's documentation.
const API_KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

fn hmac() -> HmacKey {
    HmacKey::new(&SecretString::from(SECRET)).unwrap()
}

fn pem(seed: u8) -> (SecretString, String) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let private = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    let public = key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
    (SecretString::from(private.to_string()), public)
}

fn text(signature: Signature) -> String {
    let mut text = String::new();
    signature.write(&mut text);
    text
}

#[test]
fn documented_vectors_of_hmac() {
    let rest = "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000\
                &timestamp=1499827319559";
    let encoded = "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96";
    let sorted = [
        "price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT\
         &timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
        "price=0.10000000&quantity=1.00000000&recvWindow=5000&side=BUY&symbol=１２３４５６\
         &timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
    ];
    for (payload, expected) in [
        // REST: percent-encoded before it is signed.
        (
            format!("symbol=LTCBTC{rest}"),
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            format!("symbol={encoded}{rest}"),
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
        // Query and body are joined without anything between them.
        (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1\
             &recvWindow=5000&timestamp=1499827319559"
                .to_owned(),
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
        ),
        // The WebSocket API: sorted, not percent-encoded.
        (
            format!("apiKey={API_KEY}&{}", sorted[0]),
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
        (
            format!("apiKey={API_KEY}&{}", sorted[1]),
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
    ] {
        assert_eq!(text(hmac().signature(payload.as_bytes())), expected, "{payload}");
        assert_eq!(hmac().verify(payload.as_bytes(), expected), Ok(()));
        assert_eq!(hmac().verify(payload.as_bytes(), &expected.to_uppercase()), Ok(()));
    }
}

#[test]
fn parameters_of_the_websocket_api_are_verified_as_they_were_written() {
    let params = format!(
        r#"{{"symbol":"１２３４５６","side":"BUY","type":"LIMIT","timeInForce":"GTC",
        "quantity":"1.00000000","price":"0.10000000","recvWindow":5000,"timestamp":1645423376532,
        "apiKey":"{API_KEY}",
        "signature":"b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd"}}"#
    );
    let key = VerifyingKey::Hmac(hmac());
    assert_eq!(WsParams::read(params.as_bytes()).unwrap().verify(&key), Ok(()));

    // As text it is the same number, as a token it was not signed so.
    let other = params.replace(r#""0.10000000""#, "0.10000000").replace("5000", "5000.0");
    let other = WsParams::read(other.as_bytes()).unwrap();
    assert_eq!(other.verify(&key), Err(SignatureError::Mismatch));
    assert_eq!(other.get("price"), Some("0.10000000"));
    assert_eq!(other.get("recvWindow"), Some("5000.0"));

    let unsigned = WsParams::read(br#"{"a":1,"b":[1, 2],"c":"\u0041\"","d":false}"#).unwrap();
    assert_eq!(unsigned.payload(), "a=1&b=[1, 2]&c=A\"&d=false");
    assert_eq!(unsigned.verify(&key), Err(SignatureError::Missing));
    assert!(WsParams::read(b"[]").is_err());
}

/// RFC 8032, section 7.1, test 2.
#[test]
fn ed25519_signs_as_its_standard_says() {
    let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                    085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    let bytes = |hex: &str| -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    };
    let key = SigningKey::from_bytes(&bytes(seed).try_into().unwrap());
    let private = SecretString::from(key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string());
    let key = Ed25519Key::from_pem(&private).unwrap();
    let expected: [u8; 64] = bytes(expected).try_into().unwrap();
    assert_eq!(key.signature(&[0x72]), Signature::Ed25519(expected));
}

#[test]
fn ed25519_signatures_are_verified_with_the_public_half() {
    let (private, public) = pem(7);
    let key = Ed25519Key::from_pem(&private).unwrap();
    let public = Ed25519PublicKey::from_pem(&public).unwrap();
    assert_eq!(key.public(), public);
    let payload = b"symbol=BTCUSDT&timestamp=1668481559918";
    let signature = text(key.signature(payload));
    assert_eq!(public.verify(payload, &signature), Ok(()));
    assert_eq!(public.verify(b"symbol=ETHUSDT", &signature), Err(SignatureError::Mismatch));
    let other = Ed25519Key::from_pem(&pem(8).0).unwrap();
    assert_eq!(other.public().verify(payload, &signature), Err(SignatureError::Mismatch));
    // A signature of the other kind is a wrong one, not a broken one.
    let hex = text(hmac().signature(payload));
    assert_eq!(public.verify(payload, &hex), Err(SignatureError::Mismatch));
    assert_eq!(hmac().verify(payload, &signature), Err(SignatureError::Mismatch));
}

#[test]
fn base64_is_percent_encoded_in_a_query() {
    let signature = Signature::Ed25519([0xfb; 64]);
    let mut query = String::new();
    signature.write_encoded(&mut query);
    assert_eq!(query, text(signature).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"));
    assert!(query.contains("%2B") && query.ends_with("%3D%3D"), "{query}");
}

#[test]
fn bad_keys_are_refused_without_being_shown() {
    let empty = HmacKey::new(&SecretString::from(" ")).unwrap_err();
    assert_eq!(empty, KeyError::Empty { what: "secret" });
    for refused in ["no key", "a\"b", "a&b", "a\r\nb", "schlüssel", &"a".repeat(129)] {
        let error = Credentials::hmac(refused, &SecretString::from(SECRET)).unwrap_err();
        assert_eq!(error, KeyError::BadApiKey, "{refused}");
    }
    let truncated = SecretString::from(pem(1).1);
    let error = Ed25519Key::from_pem(&truncated).unwrap_err();
    assert_eq!(error, KeyError::BadPem { expected: "-----BEGIN PRIVATE KEY-----" });
    assert!(Ed25519PublicKey::from_pem("-----BEGIN PUBLIC KEY-----").is_err());

    let credentials = Credentials::hmac(API_KEY, &SecretString::from(SECRET)).unwrap();
    let private = Ed25519Key::from_pem(&pem(1).0).unwrap();
    let shown = format!("{credentials:?} {:?} {private:?}", hmac());
    assert_eq!(shown, "Credentials(..) HmacKey(..) Ed25519Key(..)");
}

#[test]
fn a_host_signs_with_its_own() {
    struct Vault;
    impl RequestSigner for Vault {
        fn sign(&self, payload: &[u8]) -> Result<Signature, SignatureError> {
            match payload {
                b"" => Err(SignatureError::Signer("the vault is closed")),
                _ => Ok(hmac().signature(payload)),
            }
        }
    }
    let credentials = Credentials::new(API_KEY, Arc::new(Vault)).unwrap();
    assert_eq!(credentials.sign(b"a=1"), Ok(hmac().signature(b"a=1")));
    let error = credentials.sign(b"").unwrap_err();
    assert_eq!(error.to_string(), "signing failed: the vault is closed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// One changed byte anywhere, and a signature is refused.
    #[test]
    fn no_signature_passes_for_another_payload(
        mut payload in prop::collection::vec(any::<u8>(), 1..80),
        at in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        let key = Ed25519Key::from_pem(&pem(3).0).unwrap();
        let keys = [VerifyingKey::Hmac(hmac()), VerifyingKey::Ed25519(key.public())];
        let signatures = [text(hmac().signature(&payload)), text(key.signature(&payload))];
        for (key, signature) in keys.iter().zip(&signatures) {
            prop_assert_eq!(key.verify(&payload, signature), Ok(()));
        }
        let at = at.index(payload.len());
        payload[at] ^= change;
        for (key, signature) in keys.iter().zip(&signatures) {
            prop_assert_eq!(key.verify(&payload, signature), Err(SignatureError::Mismatch));
        }
    }

    /// Any text is a signature or is refused, and a signature's text is read back.
    #[test]
    fn signatures_are_read_back(bytes in prop::array::uniform32(any::<u8>()), other in ".{0,90}") {
        let mut long = [0; 64];
        long[..32].copy_from_slice(&bytes);
        for signature in [Signature::Hmac(bytes), Signature::Ed25519(long)] {
            prop_assert_eq!(Signature::parse(&text(signature)), Ok(signature));
        }
        if let Ok(signature) = Signature::parse(&other) {
            prop_assert_eq!(text(signature).to_lowercase(), other.to_lowercase());
        }
    }
}
