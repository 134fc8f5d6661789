//! Which keys there are: specs, what each may be used for, and the algorithms that go with it. Source: KMS Developer
//! Guide, "Key spec reference".

/// A key spec, by what makes and uses such a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spec {
    Symmetric,
    Hmac(Hash),
    Rsa(RsaSize),
    Ec(Curve),
    Ed25519,
    MlDsa(Level),
    MlKem(Level),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RsaSize {
    Bits2048,
    Bits3072,
    Bits4096,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
    P256K1,
}

/// The parameter sets of ML-DSA (44, 65, 87) and ML-KEM (512, 768, 1024).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Low,
    Middle,
    High,
}

pub(crate) const ENCRYPT_DECRYPT: &str = "ENCRYPT_DECRYPT";
pub(crate) const SIGN_VERIFY: &str = "SIGN_VERIFY";
pub(crate) const GENERATE_VERIFY_MAC: &str = "GENERATE_VERIFY_MAC";
pub(crate) const KEY_AGREEMENT: &str = "KEY_AGREEMENT";
pub(crate) const ENCAPSULATE_DECAPSULATE: &str = "ENCAPSULATE_DECAPSULATE";

const NAMES: &[(&str, Spec)] = &[
    ("SYMMETRIC_DEFAULT", Spec::Symmetric),
    ("HMAC_224", Spec::Hmac(Hash::Sha224)),
    ("HMAC_256", Spec::Hmac(Hash::Sha256)),
    ("HMAC_384", Spec::Hmac(Hash::Sha384)),
    ("HMAC_512", Spec::Hmac(Hash::Sha512)),
    ("RSA_2048", Spec::Rsa(RsaSize::Bits2048)),
    ("RSA_3072", Spec::Rsa(RsaSize::Bits3072)),
    ("RSA_4096", Spec::Rsa(RsaSize::Bits4096)),
    ("ECC_NIST_P256", Spec::Ec(Curve::P256)),
    ("ECC_NIST_P384", Spec::Ec(Curve::P384)),
    ("ECC_NIST_P521", Spec::Ec(Curve::P521)),
    ("ECC_SECG_P256K1", Spec::Ec(Curve::P256K1)),
    ("ECC_NIST_EDWARDS25519", Spec::Ed25519),
    ("ML_DSA_44", Spec::MlDsa(Level::Low)),
    ("ML_DSA_65", Spec::MlDsa(Level::Middle)),
    ("ML_DSA_87", Spec::MlDsa(Level::High)),
    ("ML_KEM_512", Spec::MlKem(Level::Low)),
    ("ML_KEM_768", Spec::MlKem(Level::Middle)),
    ("ML_KEM_1024", Spec::MlKem(Level::High)),
];

const RSA_ENCRYPTION: &[&str] = &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const RSA_SIGNING: &[&str] = &[
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
];

impl Spec {
    /// `None` for SM2, which is offered in China Regions only and not here.
    pub(crate) fn parse(name: &str) -> Option<Spec> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, spec)| *spec)
    }

    pub(crate) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, spec)| *spec == self).map_or("", |(name, _)| name)
    }

    /// What a key of this spec may be used for; the first is the only one that can be left out.
    pub(crate) fn usages(self) -> &'static [&'static str] {
        match self {
            Spec::Symmetric => &[ENCRYPT_DECRYPT],
            Spec::Hmac(_) => &[GENERATE_VERIFY_MAC],
            Spec::Rsa(_) => &[ENCRYPT_DECRYPT, SIGN_VERIFY],
            Spec::Ec(Curve::P256K1) | Spec::Ed25519 | Spec::MlDsa(_) => &[SIGN_VERIFY],
            Spec::Ec(_) => &[SIGN_VERIFY, KEY_AGREEMENT],
            Spec::MlKem(_) => &[ENCAPSULATE_DECAPSULATE],
        }
    }

    pub(crate) fn is_asymmetric(self) -> bool {
        !matches!(self, Spec::Symmetric | Spec::Hmac(_))
    }

    pub(crate) fn encryption_algorithms(self) -> &'static [&'static str] {
        match self {
            Spec::Symmetric => &["SYMMETRIC_DEFAULT"],
            Spec::Rsa(_) => RSA_ENCRYPTION,
            _ => &[],
        }
    }

    pub(crate) fn signing_algorithms(self) -> &'static [&'static str] {
        match self {
            Spec::Rsa(_) => RSA_SIGNING,
            Spec::Ec(Curve::P256 | Curve::P256K1) => &["ECDSA_SHA_256"],
            Spec::Ec(Curve::P384) => &["ECDSA_SHA_384"],
            Spec::Ec(Curve::P521) => &["ECDSA_SHA_512"],
            Spec::Ed25519 => &["ED25519_SHA_512", "ED25519_PH_SHA_512"],
            Spec::MlDsa(_) => &["ML_DSA_SHAKE_256"],
            _ => &[],
        }
    }

    pub(crate) fn mac_algorithms(self) -> &'static [&'static str] {
        match self {
            Spec::Hmac(Hash::Sha224) => &["HMAC_SHA_224"],
            Spec::Hmac(Hash::Sha256) => &["HMAC_SHA_256"],
            Spec::Hmac(Hash::Sha384) => &["HMAC_SHA_384"],
            Spec::Hmac(Hash::Sha512) => &["HMAC_SHA_512"],
            _ => &[],
        }
    }

    /// The operations that a grant on a key of this spec and usage may name, beside those on any key. Source: KMS
    /// Developer Guide, "Grant operations".
    pub(crate) fn grant_operations(self, usage: &str) -> &'static [&'static str] {
        match (self, usage) {
            (Spec::Symmetric, _) => &[
                "Decrypt",
                "Encrypt",
                "GenerateDataKey",
                "GenerateDataKeyPair",
                "GenerateDataKeyPairWithoutPlaintext",
                "GenerateDataKeyWithoutPlaintext",
                "ReEncryptFrom",
                "ReEncryptTo",
            ],
            (Spec::Hmac(_), _) => &["GenerateMac", "VerifyMac"],
            (_, ENCRYPT_DECRYPT) => &["Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"],
            (_, SIGN_VERIFY) => &["Sign", "Verify", "GetPublicKey"],
            (_, KEY_AGREEMENT) => &["DeriveSharedSecret", "GetPublicKey"],
            (_, ENCAPSULATE_DECAPSULATE) => &["Encapsulate", "Decapsulate", "GetPublicKey"],
            _ => &[],
        }
    }
}

impl RsaSize {
    pub(crate) fn bytes(self) -> usize {
        match self {
            RsaSize::Bits2048 => 256,
            RsaSize::Bits3072 => 384,
            RsaSize::Bits4096 => 512,
        }
    }
}

impl Hash {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Hash::Sha224 => 28,
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }
}
