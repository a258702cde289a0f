//! Credentials: certificates of programs.

use coursebus_schemas::learning::{
    ProgramCertificateAwarded, ProgramCertificateData, ProgramCertificateRevoked, ProgramData,
};
use time::OffsetDateTime;

use super::{Learner, text};

/// A learner's certificate of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramCertificate {
    /// Its UUID.
    pub uuid: String,
    /// Who has it.
    pub learner: Learner,
    /// The program's UUID.
    pub program_uuid: String,
    /// The program's title.
    pub program_title: String,
    /// `MicroMasters`, …
    pub program_type: String,
    /// Where it can be seen, or empty.
    pub url: String,
    /// When it is shown; none: at once.
    pub available: Option<OffsetDateTime>,
}

/// A learner earned the certificate of a program.
#[must_use]
pub fn program_certificate_awarded(fact: &ProgramCertificate) -> ProgramCertificateAwarded {
    ProgramCertificateAwarded { program_certificate: certificate(fact, "awarded") }
}

/// The certificate of a program was taken back.
#[must_use]
pub fn program_certificate_revoked(fact: &ProgramCertificate) -> ProgramCertificateRevoked {
    ProgramCertificateRevoked { program_certificate: certificate(fact, "revoked") }
}

fn certificate(fact: &ProgramCertificate, status: &str) -> ProgramCertificateData {
    ProgramCertificateData {
        user: fact.learner.user(),
        program: ProgramData {
            uuid: fact.program_uuid.clone(),
            title: fact.program_title.clone(),
            program_type: fact.program_type.clone(),
        },
        uuid: fact.uuid.clone(),
        status: status.to_owned(),
        url: fact.url.clone(),
        certificate_available_date: fact.available.map(text),
    }
}
