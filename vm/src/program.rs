//! A loaded program, ready for any number of instances.

use std::sync::Arc;

use swarm_bytecode::module::Module;
use swarm_bytecode::verify::Verified;

use crate::decode::{Code, is_large};
use crate::error::LoadError;
use crate::self_test::self_test;

/// A verified and decoded program. A clone shares it; it may be used from many threads at once.
#[derive(Clone)]
pub struct Program {
    loaded: Arc<Loaded>,
}

struct Loaded {
    code: Code,
    digest: [u8; 32],
}

const _: fn() = || {
    fn is_shareable<T: Send + Sync>() {}
    is_shareable::<Program>();
    is_shareable::<crate::Inputs>();
    is_shareable::<crate::Instance>();
};

impl Program {
    /// Decodes and verifies a module's bytes.
    ///
    /// # Errors
    /// The bytes are no module, or the verifier refuses it; or a limit of this machine does not hold
    /// ([`crate::self_test()`]).
    pub fn load(bytes: &[u8]) -> Result<Program, LoadError> {
        self_test()?;
        Program::load_untested(bytes)
    }

    /// Decodes a module that was verified.
    ///
    /// # Errors
    /// The code cannot be decoded; verified code always can. Or a limit of this machine does not hold
    /// ([`crate::self_test()`]).
    pub fn new(verified: Verified) -> Result<Program, LoadError> {
        self_test()?;
        if !is_large(verified.module()) {
            return Program::decode(verified, &[]);
        }
        // Its ops are read from bytes once it has given them up.
        let (digest, bytes) = (verified.digest(), verified.into_module().encode());
        let code = Code::new(Verified::load(&bytes).map_err(LoadError::module)?, &bytes);
        Ok(Program::of(code.map_err(LoadError::module)?, digest))
    }

    /// Like [`Program::load`], for the modules that prove the limits.
    pub(crate) fn load_untested(bytes: &[u8]) -> Result<Program, LoadError> {
        Program::decode(Verified::load(bytes).map_err(LoadError::module)?, bytes)
    }

    fn decode(verified: Verified, bytes: &[u8]) -> Result<Program, LoadError> {
        let digest = verified.digest();
        Ok(Program::of(Code::new(verified, bytes).map_err(LoadError::module)?, digest))
    }

    fn of(code: Code, digest: [u8; 32]) -> Program {
        Program { loaded: Arc::new(Loaded { code, digest }) }
    }

    /// The module. Of one with more than a thousand ops the program keeps only bytes and what runs: the module is
    /// read from these when this is first asked, and takes up to 16 bytes of memory for each of them from then on.
    pub fn module(&self) -> &Module {
        self.loaded.code.whole()
    }

    /// The module, of which the ops of functions may be missing.
    pub(crate) fn tables(&self) -> &Module {
        self.loaded.code.module()
    }

    /// SHA-256 of the module's stripped bytes: the program's identity.
    pub fn digest(&self) -> [u8; 32] {
        self.loaded.digest
    }

    pub(crate) fn code(&self) -> &Code {
        &self.loaded.code
    }

    /// Whether both are clones of one loaded program.
    pub(crate) fn is_same(&self, other: &Program) -> bool {
        Arc::ptr_eq(&self.loaded, &other.loaded)
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Program({})", self.tables().instruction.name)
    }
}
