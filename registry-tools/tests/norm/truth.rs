//! A truth that needs no checker: does a reader read the data?

use std::collections::BTreeMap;

use apache_avro::{Schema as Avro, reader::datum::GenericDatumReader};

use coursebus_registry_tools::compatibility::{Schema, can_read};

use super::{
    Java, Ours,
    model::Model,
    ours,
    pairs::{Pair, pairs},
    parse,
    random::{Random, datum},
    say, seed,
};

/// Pairs whose data are read, both ways: every tenth of those that are judged.
const PAIRS: usize = 2_000;
/// Random data of a writer.
const DATA: usize = 100;
/// How many of the pairs that ours refuses must have a datum that fails.
const PROVEN_PERCENT: usize = 80;

/// What neither apache-avro nor Java's reader reads though Java's checker, and so ours, says that it can be read. What is found
/// at random must be one of these.
struct Unread {
    /// Part of what Java's reader says.
    said: &'static str,
    /// Why it is left so.
    #[allow(dead_code, reason = "for who reads the list")]
    why: &'static str,
    /// Reader, writer and datum that show it.
    example: (&'static str, &'static str, &'static [u8]),
}

const UNREAD: [Unread; 3] = [
    Unread {
        said: "missing required field",
        why: "a field that has the writer's name as an alias, in a record whose namespace changed: the checker compares names \
              unqualified, readers apply a record's aliases of fields only under its full name",
        example: (
            r#"{"type":"record","name":"b.R","fields":[{"name":"y","aliases":["x"],"type":"int"}]}"#,
            r#"{"type":"record","name":"a.R","fields":[{"name":"x","type":"int"}]}"#,
            &[2],
        ),
    },
    Unread {
        said: "expecting union",
        why: "the same, where the record is a branch of a union",
        example: (
            r#"["null",{"type":"record","name":"b.R","fields":[{"name":"y","aliases":["x"],"type":"int"}]}]"#,
            r#"["null",{"type":"record","name":"a.R","fields":[{"name":"x","type":"int"}]}]"#,
            &[2, 2],
        ),
    },
    Unread {
        said: "Schema fields not set yet",
        why: "Java's reader cannot apply an alias to a type whose default holds the type that it stands in",
        example: (
            r#"{"type":"record","name":"V","fields":[{"name":"g","type":{"type":"array","items":{"type":"record","name":"T2",
                "aliases":["T"],"fields":[{"name":"v","type":"V","default":{"g":[]}}]}}}]}"#,
            r#"{"type":"record","name":"V","fields":[{"name":"g","type":{"type":"array","items":{"type":"record","name":"T",
                "fields":[{"name":"v","type":"V","default":{"g":[]}}]}}}]}"#,
            &[2, 0, 0],
        ),
    },
];

/// What is listed still occurs: one that no reader shows any more has to go.
#[test]
fn what_is_listed_as_unread_is_unread() {
    let Some(mut java) = Java::start() else { return };
    for Unread { said, example: (reader, writer, datum), .. } in &UNREAD {
        let parse = |text: &str| Schema::parse(text, &[]).expect("a schema");
        assert!(can_read(&parse(reader), &parse(writer)), "{said}");
        let (reader, writer) = (reader.replace('\n', " "), writer.replace('\n', " "));
        let (read, why) = java.read(&reader, &writer, &[datum.to_vec()]);
        let why = why.unwrap_or_default();
        assert!(read != [true] && why.contains(said), "{said}: {read:?} {why}");
    }
}

type Datum = Vec<u8>;
/// Schemas that apache-avro does not take: all data, and why.
type Refused = (Vec<Datum>, String);

#[derive(Default)]
struct Counts {
    /// Pairs that ours says are readable, and whose data apache-avro reads.
    read: usize,
    /// Pairs of which apache-avro reads some datum not, and Java's reader all.
    java_only: BTreeMap<String, usize>,
    /// Pairs that neither reads.
    neither: BTreeMap<&'static str, usize>,
    /// Pairs that ours refuses and a datum proves it.
    proven: usize,
    /// Pairs that ours refuses and no datum was found, by the kinds of their differences.
    unproven: BTreeMap<String, usize>,
    /// Pairs whose writer has no finite data.
    without_data: usize,
}

#[test]
fn what_is_said_to_be_readable_is_read() {
    let Some(mut java) = Java::start() else { return };
    let random = &mut Random(seed() ^ 1);
    let mut counts = Counts::default();
    for pair in pairs(seed(), PAIRS).iter().flat_map(Pair::both_ways) {
        examine(&mut java, random, pair, &mut counts);
    }
    report(&counts);
    let refused = counts.proven + counts.unproven.values().sum::<usize>();
    assert!(counts.read * 3 >= PAIRS, "too few pairs to mean anything");
    assert!(counts.proven * 100 >= refused * PROVEN_PERCENT, "{} of {refused} refused pairs are proven", counts.proven);
}

fn examine(java: &mut Java, random: &mut Random, (reader, writer): (&Model, &Model), counts: &mut Counts) {
    let data: Vec<Vec<u8>> = (0..DATA).filter_map(|_| datum(random, writer)).collect();
    if data.is_empty() {
        counts.without_data += 1;
        return;
    }
    let verdict = ours(&parse(reader), &parse(writer));
    let (reader, writer) = (reader.print(), writer.print());
    let unread = unread(&reader, &writer, &data);
    if verdict.compatible {
        readable(java, &reader, &writer, unread, counts);
    } else {
        refused(java, &verdict, &reader, &writer, &data, unread.is_ok_and(|unread| !unread.is_empty()), counts);
    }
}

/// The data that apache-avro does not read; an error where it cannot take the schemas.
fn unread(reader: &str, writer: &str, data: &[Vec<u8>]) -> Result<Vec<(Datum, String)>, Refused> {
    let schemas = || -> Result<_, apache_avro::Error> { Ok((Avro::parse_str(reader)?, Avro::parse_str(writer)?)) };
    let all = |error: apache_avro::Error| (data.to_vec(), error.to_string());
    let (reader, writer) = schemas().map_err(all)?;
    let datum_reader = GenericDatumReader::builder(&writer).reader_schema(&reader).build().map_err(all)?;
    let read = |datum: &Vec<u8>| {
        let mut rest = datum.as_slice();
        let error = datum_reader.read_value(&mut rest).err().map(|error| error.to_string());
        let error = error.or_else(|| (!rest.is_empty()).then(|| "bytes are left".to_owned()));
        error.map(|error| (datum.clone(), error))
    };
    Ok(data.iter().filter_map(read).collect())
}

fn readable(
    java: &mut Java,
    reader: &str,
    writer: &str,
    unread: Result<Vec<(Datum, String)>, Refused>,
    counts: &mut Counts,
) {
    let (data, error) = match unread {
        Ok(unread) if unread.is_empty() => {
            counts.read += 1;
            return;
        }
        Ok(unread) => {
            let error = unread[0].1.clone();
            (unread.into_iter().map(|(datum, _)| datum).collect(), error)
        }
        Err(refused) => refused,
    };
    let (read, why) = java.read(reader, writer, &data);
    if read.len() == data.len() && read.iter().all(|read| *read) {
        *counts.java_only.entry(cause(&error)).or_default() += 1;
        return;
    }
    let why = why.unwrap_or_default();
    let known = UNREAD.iter().find(|known| why.contains(known.said));
    let Some(Unread { said, .. }) = known else {
        panic!(
            "no reader reads it, ours says it can be read\nJava: {why}\napache-avro: {error}\nreader {reader}\nwriter {writer}"
        );
    };
    *counts.neither.entry(said).or_default() += 1;
}

fn refused(
    java: &mut Java,
    verdict: &Ours,
    reader: &str,
    writer: &str,
    data: &[Vec<u8>],
    is_proven: bool,
    counts: &mut Counts,
) {
    if is_proven || java.read(reader, writer, data).0 != vec![true; data.len()] {
        counts.proven += 1;
    } else {
        *counts.unproven.entry(verdict.kinds.join("+")).or_default() += 1;
    }
}

/// An error without what differs from schema to schema.
fn cause(error: &str) -> String {
    let plain = error.chars().map(|c| if c.is_ascii_alphabetic() || c == ' ' { c } else { '_' }).collect::<String>();
    plain.split('_').find(|words| words.split(' ').count() > 2).unwrap_or(error).trim().to_owned()
}

fn report(counts: &Counts) {
    let Counts { read, proven, without_data, .. } = counts;
    say(&format!("{PAIRS} pairs, both ways, {DATA} data each: apache-avro reads {read} of those said to be readable"));
    say(&format!("refused: {proven} proven by a datum; writers without finite data: {without_data}"));
    for (kinds, count) in &counts.unproven {
        say(&format!("refused without a datum that fails: {kinds}: {count}"));
    }
    for (cause, count) in &counts.java_only {
        say(&format!("only Java's reader reads: {count}; apache-avro: {cause}"));
    }
    for (said, count) in &counts.neither {
        say(&format!("neither reads: {count}; Java's reader: {said}"));
    }
}
