//! The certificate authorities, and the certificates that they sign.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use jiff::{Timestamp, Unit};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData,
};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use x509_parser::parse_x509_certificate;

use super::error::AuthorityError;

/// Allowance for clocks that differ: a certificate's verifier may be this far behind its signer, or behind the
/// replica that dropped its authority.
const BACKDATED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Divisor for renewal: an authority or certificate is renewed once a third of its life is left.
const LEFT: u32 = 3;

/// One authority.
pub(super) struct Authority {
    certificate: String,
    key: String,
    not_after: SystemTime,
    issuer: Issuer<'static, KeyPair>,
}

/// All authorities that are to be trusted, the newest first.
#[derive(Clone, Default)]
pub(super) struct Authorities(Vec<Arc<Authority>>);

/// A certificate that an authority has signed, with its key.
pub(super) struct Leaf {
    pub(super) pair: Arc<CertifiedKey>,
    pub(super) not_after: SystemTime,
    issued: SystemTime,
    authority: String,
}

impl Authority {
    pub(super) fn new(now: SystemTime, life: Duration) -> Result<Self, AuthorityError> {
        let made = Timestamp::try_from(now)?.round(Unit::Second)?;
        let mut params = CertificateParams::default();
        // A unique name, so that a verifier need not guess which authority signed a certificate.
        let name = format!("camunda-upgrade-guard {made}");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = (now - BACKDATED).into();
        params.not_after = (now + life).into();
        let key = KeyPair::generate()?;
        Self::parse(&params.self_signed(&key)?.pem(), &key.serialize_pem())
    }

    fn parse(certificate: &str, key: &str) -> Result<Self, AuthorityError> {
        let der =
            CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(AuthorityError::Pem)?;
        let (_, parsed) = parse_x509_certificate(&der).map_err(AuthorityError::Certificate)?;
        let private = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .ok()
            .and_then(|key| KeyPair::try_from(&key).ok());
        let private = private.ok_or(AuthorityError::Key)?;
        if private.subject_public_key_info() != parsed.public_key().raw {
            return Err(AuthorityError::OtherKey);
        }
        if !parsed.is_ca() {
            return Err(AuthorityError::NoAuthority);
        }
        let not_after = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            not_after: SystemTime::UNIX_EPOCH + Duration::from_secs(not_after),
            issuer: Issuer::from_ca_cert_der(&der, private)?,
        })
    }

    /// Signs a certificate for these names, with a new key of its own.
    pub(super) fn sign(
        &self,
        names: &[String],
        now: SystemTime,
        life: Duration,
    ) -> Result<Leaf, AuthorityError> {
        let mut params = CertificateParams::new(names)?;
        let name = "camunda-upgrade-guard";
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let not_after = self.not_after.min(now + life);
        params.not_before = (now - BACKDATED).into();
        params.not_after = not_after.into();
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let private =
            PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| AuthorityError::MadeKey)?;
        let chain = vec![certificate.der().clone()];
        let pair = CertifiedKey::from_der(chain, private, &ring::default_provider())?;
        Ok(Leaf {
            pair: Arc::new(pair),
            not_after,
            issued: now,
            authority: self.certificate.clone(),
        })
    }

    fn has_expired(&self, now: SystemTime) -> bool {
        self.not_after < now
    }
}

impl Authorities {
    /// Parses the PEM texts that [`Authorities::certificates`] and [`Authorities::keys`] write.
    pub(super) fn parse(certificates: &str, keys: &str) -> Result<Self, AuthorityError> {
        let (certificates, keys) = (sections(certificates), sections(keys));
        if certificates.len() != keys.len() {
            let (certificates, keys) = (certificates.len(), keys.len());
            return Err(AuthorityError::Unpaired { certificates, keys });
        }
        let pairs = certificates.iter().zip(keys);
        let parsed =
            pairs.map(|(certificate, key)| Authority::parse(certificate, &key).map(Arc::new));
        parsed.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the CA bundle that the API server is to trust.
    pub(super) fn certificates(&self) -> String {
        self.0.iter().map(|it| it.certificate.as_str()).collect()
    }

    pub(super) fn keys(&self) -> String {
        self.0.iter().map(|it| it.key.as_str()).collect()
    }

    /// Adds an authority if there is none or the newest has less than a third of its life left, and drops expired
    /// ones. Returns whether anything changed.
    pub(super) fn renew(
        &mut self,
        now: SystemTime,
        life: Duration,
    ) -> Result<bool, AuthorityError> {
        let before = self.0.len();
        let past = now - BACKDATED.min(life / LEFT);
        self.0.retain(|authority| !authority.has_expired(past));
        let newest = self.0.first();
        let due = newest.is_none_or(|newest| newest.not_after < now + life / LEFT);
        if due {
            self.0.insert(0, Arc::new(Authority::new(now, life)?));
        }
        Ok(due || self.0.len() != before)
    }

    /// Returns the authority to sign with: the newest; but the one before, while that is valid and the newest is not
    /// yet trusted everywhere.
    pub(super) fn signer(&self, settled: bool, now: SystemTime) -> Option<&Authority> {
        let older = self.0.get(1);
        let older = older.filter(|older| !settled && !older.has_expired(now));
        older.or(self.0.first()).map(|authority| &**authority)
    }
}

impl Leaf {
    /// Whether the certificate must be replaced.
    pub(super) fn is_due(&self, signer: &Authority, now: SystemTime) -> bool {
        let life = self.not_after.duration_since(self.issued);
        let renewed = self.not_after - life.unwrap_or_default() / LEFT;
        self.authority != signer.certificate || renewed < now
    }

    pub(super) fn has_expired(&self, now: SystemTime) -> bool {
        self.not_after < now
    }
}

/// Splits a text into its PEM sections.
fn sections(text: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(section) = sections.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
        if line.starts_with("-----END ") {
            sections.push(String::new());
        }
    }
    sections.pop_if(|rest| rest.is_empty());
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

    fn names() -> Vec<String> {
        vec!["guard.guard.svc".to_owned(), "127.0.0.1".to_owned()]
    }

    fn read_again(authorities: &Authorities) -> Authorities {
        Authorities::parse(&authorities.certificates(), &authorities.keys()).unwrap()
    }

    #[test]
    fn one_is_made_renewed_at_two_thirds_and_dropped_when_it_has_expired() {
        let start = SystemTime::now();
        let mut authorities = Authorities::default();
        let mut renew = |at: SystemTime| {
            let changed = authorities.renew(at, LIFE).unwrap();
            authorities = read_again(&authorities);
            (changed, authorities.0.len())
        };
        assert_eq!(renew(start), (true, 1));
        assert_eq!(renew(start + 59 * DAY), (false, 1));
        assert_eq!(renew(start + 61 * DAY), (true, 2));
        assert_eq!(renew(start + 89 * DAY), (false, 2));
        // Somebody else's clock may still be behind.
        assert_eq!(renew(start + 91 * DAY), (false, 2));
        assert_eq!(renew(start + 98 * DAY), (true, 1));
        // Switched off for years.
        assert_eq!(renew(start + 900 * DAY), (true, 1));
    }

    #[test]
    fn the_newest_signs_once_it_is_trusted() {
        let now = SystemTime::now();
        let mut authorities = Authorities::default();
        authorities.renew(now, LIFE).unwrap();
        let first = authorities.certificates();
        let leaf = authorities.signer(false, now).unwrap();
        let leaf = leaf.sign(&names(), now, DAY).unwrap();
        authorities.renew(now + 61 * DAY, LIFE).unwrap();
        let signer = |settled, at| &authorities.signer(settled, at).unwrap().certificate;
        assert_eq!(*signer(false, now + 61 * DAY), first);
        assert_ne!(*signer(true, now + 61 * DAY), first);
        assert_ne!(*signer(false, now + 91 * DAY), first);
        assert!(leaf.is_due(authorities.signer(true, now).unwrap(), now));
    }

    #[test]
    fn a_certificate_never_outlives_its_authority_and_suits_a_clock_behind() {
        let now = SystemTime::now();
        let authority = Authority::new(now, DAY).unwrap();
        let leaf = authority.sign(&names(), now, LIFE).unwrap();
        assert_eq!(leaf.not_after, authority.not_after.min(now + LIFE));
        assert!(!leaf.is_due(&authority, now + DAY / 2));
        assert!(leaf.is_due(&authority, now + DAY * 3 / 4));
        let (_, parsed) = parse_x509_certificate(&leaf.pair.cert[0]).unwrap();
        let two_days_ago = Timestamp::try_from(now - 2 * DAY).unwrap().as_second();
        assert!(parsed.validity().not_before.timestamp() < two_days_ago);
    }

    #[test]
    fn what_is_no_authority_is_an_error_without_a_key_in_it() {
        let made = Authority::new(SystemTime::now(), DAY).unwrap();
        let other = Authority::new(SystemTime::now(), DAY).unwrap();
        let secret = made.key.lines().nth(1).unwrap();
        let broken = made.key.replace(secret, &secret[..10]);
        for (certificates, keys, because) in [
            (&*made.certificate, "", "1 certificates, but 0 keys"),
            (&*made.certificate, &*other.key, "another certificate"),
            (&*made.certificate, &*broken, "a key can't be parsed"),
            ("nothing", &*made.key, "not PEM"),
        ] {
            let error = Authorities::parse(certificates, keys).err().unwrap();
            let error = error.to_string();
            assert!(error.contains(because), "{error}");
            assert!(!error.contains(&secret[..10]), "{error}");
        }
    }
}
