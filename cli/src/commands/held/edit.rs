//! `coursebus held edit`

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use coursebus_producer::relay::HeldMark;
use coursebus_sinks_kit::{
    Mark,
    held::{
        desk,
        edit::{EditError, Form},
    },
};
use serde_json::Value;

use super::{
    By, Desk, Which,
    relay::{self, Rows},
};
use crate::{
    context::Global,
    failure::{Code, Failure, chain},
    output,
};

/// The longest edit that is read.
const EDIT_BYTES_MAX: u64 = 16 << 20;

/// Put another version of an event in a held record's place; the original is kept
///
/// It must fit the schema that the record was written with
/// and keep its keys. The original is kept beside it; `held retry` applies the edit. The JSON is the event itself, or
/// {"source"?, "id"?, "data"}, where the headers are wrong.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus held edit discovery dev-course-run-lifecycle/0 17 --file mended.json")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The event; - reads standard input. Without it the editor opens
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The event type, where the record does not tell it
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// The editor
    #[arg(long, env = "EDITOR", default_value = "vi", value_name = "COMMAND", hide_env_values = true)]
    editor: String,
    #[command(flatten)]
    by: By,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    if let Some(name) = relay::name(&args.which.sink) {
        return of_relay(&Rows::open(global, name).await?, &args).await;
    }
    let which = &args.which;
    let desk = Desk::open(global, &which.sink).await?;
    let found = desk.find(&which.partition, which.offset()?).await?;
    let record = &found.record;
    let place = record.place();
    let wrong = |error: EditError| not_kept(&error).about(place.to_string());
    let registry = desk.bus.registry.as_ref();
    let form = Form::of(registry, record, args.event_type.as_deref(), &global.topic_prefix).await.map_err(wrong)?;
    let text = match &args.file {
        Some(file) => read(file)?,
        None => in_editor(&args.editor, &form.draft(record))?,
    };
    let edit = parse(&text, &place.to_string())?;
    let edited = form.fill(&desk.spec, record, edit).map_err(wrong)?;
    let group = desk.spec.group();
    let marked =
        desk::mark(desk.store.as_ref(), &group, std::slice::from_ref(&place), &Mark::Edit(edited), &args.by.by, "")
            .await?;
    if marked.is_empty() {
        return Err(desk.not_held(format!("{place} is not parked or dead any more")));
    }
    eprintln!(
        "kept; the original stays beside it. Apply it:\n  coursebus held retry {} {} {}",
        which.sink,
        which.partition,
        which.offset()?
    );
    let shown = desk.find(&which.partition, which.offset()?).await?;
    output::line(&coursebus_sinks_kit::held::shown::whole(registry, &group, &shown).await)?;
    Ok(ExitCode::SUCCESS)
}

/// An edit of a row of an outbox: the event's JSON, whatever the row's own format is.
async fn of_relay(rows: &Rows, args: &Args) -> Result<ExitCode, Failure> {
    let row = &args.which.partition;
    let text = match &args.file {
        Some(file) => read(file)?,
        None => in_editor(&args.editor, &rows.draft(row)?)?,
    };
    let edit = parse(&text, &format!("row {row}"))?;
    let id = rows.check_edit(row, &edit)?;
    let mark = HeldMark::Edit(edit.to_string().into_bytes());
    if rows.mark(&[id], &mark, &args.by.by, "").await?.is_empty() {
        let next = "see what is held: coursebus held list relay --flat";
        return Err(Failure::new(Code::NotHeld, "it is not parked any more", format!("row {row}"), next));
    }
    eprintln!("kept; the original stays beside it. Publish it:\n  coursebus held retry {} {row}", args.which.sink);
    Ok(ExitCode::SUCCESS)
}

/// Without the text, which may be personal data.
fn parse(text: &str, about: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let what = format!("not JSON: {:?} at line {} column {}", error.classify(), error.line(), error.column());
        Failure::new(Code::HeldEdit, what, about, "correct it; nothing was kept")
    })
}

fn not_kept(error: &EditError) -> Failure {
    let next = match error {
        EditError::Unfit(_) => "correct the field that is named; coursebus event show TYPE prints the schema",
        EditError::NoType => "give --type TYPE; coursebus event list shows what there is",
        EditError::OtherKey { .. } => "keep the key; or discard the record, and emit another event",
        EditError::Registry(_) => "check that the registry is running and the catalogue is applied",
        _ => "correct it; nothing was kept",
    };
    Failure::new(Code::HeldEdit, chain(error), "the edit", next)
}

fn read(file: &PathBuf) -> Result<String, Failure> {
    let about = |error: std::io::Error| Failure::from(error).about(file.display().to_string());
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(EDIT_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).map_err(about)?.take(EDIT_BYTES_MAX).read_to_string(&mut text)
    };
    read.map_err(about)?;
    Ok(text)
}

/// Opens the editor on a file that only this user can read, and that is gone afterwards: events may be personal data.
fn in_editor(editor: &str, draft: &Value) -> Result<String, Failure> {
    let mut file = tempfile::Builder::new().prefix("coursebus-edit-").suffix(".json").tempfile()?;
    file.write_all(serde_json::to_string_pretty(draft).unwrap_or_default().as_bytes())?;
    file.flush()?;
    let path = file.path().to_path_buf();
    // Through the shell, as git does: $EDITOR may have arguments.
    let status = std::process::Command::new("sh").args(["-c", &format!("{editor} \"$1\""), "sh"]).arg(&path).status();
    if !status.map_err(|error| Failure::from(error).about(editor.to_owned()))?.success() {
        let what = "the editor ended with an error";
        return Err(Failure::new(Code::HeldEdit, what, editor.to_owned(), "nothing was kept: edit again"));
    }
    read(&path)
}
