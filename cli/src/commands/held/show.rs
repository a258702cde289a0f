//! `coursebus held show`

use std::process::ExitCode;

use coursebus_sinks_kit::held::shown;

use super::{
    Desk, on_topics,
    relay::{self, Rows},
};
use crate::{
    context::Global,
    failure::{Code, Failure},
    output,
};

/// One held record, whole: bytes, headers, and what its value says where it can be read
#[derive(clap::Args)]
#[command(
    override_usage = "coursebus held show [OPTIONS] <SINK> <TOPIC/PARTITION> <OFFSET>\n       coursebus held show [OPTIONS] relay <ROW>\n       coursebus held show [OPTIONS] --group <GROUP> <TOPIC/PARTITION> <OFFSET>",
    after_help = "Examples:\n  coursebus held show discovery dev-course-run-lifecycle/0 17\n  coursebus held show relay 4711\n  coursebus held show --group coursebus-mailer dev-course-run-lifecycle/0 17"
)]
pub struct Args {
    /// The sink that holds it (not with --group), topic/partition, and the record's offset; or relay (relay:NAME) and a row's id
    #[arg(required = true, num_args = 2..=3, value_name = "PLACE")]
    place: Vec<String>,
    /// Of a group of handlers or a pipe, which hold on topics
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let outbox = args.place.first().and_then(|sink| relay::name(sink));
    let whole = match (&args.group, &*args.place) {
        (None, [_, row]) if outbox.is_some() => Rows::open(global, outbox.unwrap_or_default()).await?.whole(row)?,
        (None, [sink, partition, offset]) => {
            let offset = number(offset)?;
            let desk = Desk::open(global, sink).await?;
            let found = desk.find(partition, offset).await?;
            shown::whole(desk.bus.registry.as_ref(), &desk.spec.group(), &found).await
        }
        (Some(group), [partition, offset]) => {
            let place = format!("{partition} offset {}", number(offset)?);
            let bus = global.open().await?;
            let all = on_topics::all(bus.log.as_ref(), bus.registry.as_ref(), group).await?;
            let found = all.into_iter().find(|shown| shown.record.place().to_string() == place);
            let found = found.ok_or_else(|| {
                let next = format!("see what is held: coursebus held list --flat --group {group}");
                Failure::new(Code::NotHeld, format!("no record at {place} is held"), group, next)
            })?;
            shown::whole(bus.registry.as_ref(), group, &found).await
        }
        _ => {
            return Err(Failure::usage(
                "one place is to be named",
                "give SINK TOPIC/PARTITION OFFSET, or --group GROUP TOPIC/PARTITION OFFSET",
            ));
        }
    };
    match global.output {
        output::Format::Json => output::line(&whole)?,
        output::Format::Table => output::print(&serde_json::to_string_pretty(&whole).unwrap_or_default())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn number(offset: &str) -> Result<i64, Failure> {
    let wrong = |_| Failure::usage(format!("'{offset}' is no offset"), "give a number, such as 17");
    offset.parse().map_err(wrong)
}
