//! Arbitrary bytes against every schema of the catalogue: nothing panics, and the two decoders agree.

use std::fs;
use std::path::Path;

use coursebus_schemas::json::{from_json, to_json};
use coursebus_schemas::{Event, EventType, catalog, content_authoring, decode, encode, enterprise, learning, wire};
use proptest::prelude::*;
use serde_json::Value;

fn event_types() -> impl Strategy<Value = &'static EventType> {
    (0..catalog().events().len()).prop_map(|index| catalog().events()[index])
}

/// Bytes that go far into a datum: short lengths, few high bits, now and then anything.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![8 => 0..6_u8, 2 => b'a'..=b'z', 1 => any::<u8>()];
    proptest::collection::vec(byte, 0..120)
}

/// Golden datums with a byte changed, taken out or put in, or cut off.
fn damaged() -> impl Strategy<Value = (&'static EventType, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let goldens = fs::read_dir(folder).expect("the goldens are there").map(|entry| {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a golden file is readable");
        let golden: Value = serde_json::from_str(&text).expect("a golden file is JSON");
        let event_type = catalog().by_name(golden["event_type"].as_str().expect("a name")).expect("it is there");
        let framed = hex::decode(golden["value"]["framed_hex"].as_str().expect("hex")).expect("hex");
        (event_type, framed[wire::FRAME_BYTES..].to_vec())
    });
    let golden = proptest::sample::select(goldens.collect::<Vec<_>>());
    (golden, any::<proptest::sample::Index>(), any::<u8>(), 0..5).prop_map(
        |((event_type, mut datum), at, byte, how)| {
            let at = at.index(datum.len());
            match how {
                0 => datum[at] = byte,
                1 => datum[at] ^= 1 << (byte % 8),
                2 => drop(datum.remove(at)),
                3 => datum.insert(at, byte),
                _ => datum.truncate(at),
            }
            (event_type, datum)
        },
    )
}

fn agree<E: Event>(event_type: &EventType, datum: &[u8]) -> Result<(), TestCaseError> {
    if event_type.name != E::TYPE.name {
        return Ok(());
    }
    let writer = E::TYPE.writer_schema();
    match (decode::decode::<E>(writer, datum), to_json(writer, datum)) {
        (Ok(event), Ok(json)) => {
            // Through text: a double may be a number that JSON does not have.
            let typed = serde_json::to_value(&event).expect("JSON");
            prop_assert!(typed == json || json.to_string().contains("NaN") || json.to_string().contains("Infinity"));
            let (mut typed, mut dynamic) = (Vec::new(), Vec::new());
            encode::encode(&event, &mut typed).expect("it was decoded");
            from_json(writer, &json, &mut dynamic).expect("it was decoded");
            prop_assert_eq!(decode::decode::<E>(writer, &typed).is_ok(), true);
            prop_assert_eq!(to_json(writer, &dynamic), Ok(json));
        }
        (Err(typed), Err(dynamic)) => prop_assert_eq!(typed, dynamic),
        (typed, dynamic) => prop_assert!(false, "{:?} {:?}", typed.err(), dynamic.err()),
    }
    Ok(())
}

fn agree_on(event_type: &EventType, datum: &[u8]) -> Result<(), TestCaseError> {
    agree::<learning::CertificateCreated>(event_type, datum)?;
    agree::<learning::CourseEnrollmentCreated>(event_type, datum)?;
    agree::<learning::CoursePersistentGradeSummaryChanged>(event_type, datum)?;
    agree::<learning::ExamAttemptVerified>(event_type, datum)?;
    agree::<learning::ForumThreadCreated>(event_type, datum)?;
    agree::<learning::UserNotificationRequested>(event_type, datum)?;
    agree::<content_authoring::CourseCreated>(event_type, datum)?;
    agree::<content_authoring::XblockPublished>(event_type, datum)?;
    agree::<enterprise::SubsidyLedgerTransactionCreated>(event_type, datum)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_decoders_agree_on_bytes(event_type in event_types(), datum in bytes()) {
        agree_on(event_type, &datum)?;
    }

    #[test]
    fn the_decoders_agree_on_damaged_events((event_type, datum) in damaged()) {
        agree_on(event_type, &datum)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(event_type in event_types(), value: Vec<u8>) {
        let writer = event_type.writer_schema();
        let _ = to_json(writer, &value);
        let _ = decode::decode_part::<Value>(writer, &value);
        if let Ok((_, datum)) = wire::unframe(&value) {
            let _ = to_json(writer, datum);
        }
    }
}
