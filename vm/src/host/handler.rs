//! Closures of typed parameters as handlers.

use swarm_bytecode::module::{Import, Module};
use swarm_bytecode::types::TypeId;

use super::answer::{Answer, IntoAnswer};
use super::argument::Argument;
use super::{Call, keep};

/// A closure of up to six [`Argument`]s that returns an [`IntoAnswer`]. `M` only tells the implementations apart.
pub trait Handler<M>: sealed::Sealed<M> {
    /// Whether the closure never says more than "done".
    const PLAIN: bool;
    /// Whether the closure's types are those of the import; if not, the closure's signature as text.
    ///
    /// # Errors
    /// The signature as text.
    fn check(module: &Module, import: &Import) -> Result<(), String>;
    /// Calls the closure. Leaves `answer` empty where it says no more than "done".
    fn call(&mut self, call: &Call<'_>, answer: &mut Option<Answer>);
}

mod sealed {
    /// Keeps [`super::Handler`] to closures.
    pub trait Sealed<M> {}
}

/// A parameter's type in an error message, and whether it takes values of a type.
type Parameter = (&'static str, fn(&Module, TypeId) -> bool);

/// Compares a closure's types with an import's.
fn check_signature(
    module: &Module,
    import: &Import,
    parameters: &[Parameter],
    result: (&'static str, bool),
) -> Result<(), String> {
    let fits = parameters.len() == import.parameters.len()
        && parameters.iter().zip(&import.parameters).all(|((_, admits), ty)| admits(module, *ty));
    if fits && result.1 {
        return Ok(());
    }
    let names = parameters.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    Err(if result.0.is_empty() { format!("({names})") } else { format!("({names}) -> {}", result.0) })
}

/// A call without all of the arguments that its import has.
#[cold]
#[inline(never)]
fn missing(answer: &mut Option<Answer>) {
    *answer = Some(Answer::failed("an argument is missing"));
}

macro_rules! handlers {
    ($( ($($parameter:ident $value:ident $at:literal),*) )*) => { $(
        impl<F, R, $($parameter,)*> sealed::Sealed<(R, $($parameter,)*)> for F
        where
            R: IntoAnswer,
            $($parameter: Argument,)*
            for<'a> F: FnMut($($parameter),*) -> R + FnMut($($parameter::Item<'a>),*) -> R,
        {
        }

        impl<F, R, $($parameter,)*> Handler<(R, $($parameter,)*)> for F
        where
            R: IntoAnswer,
            $($parameter: Argument,)*
            for<'a> F: FnMut($($parameter),*) -> R + FnMut($($parameter::Item<'a>),*) -> R,
        {
            const PLAIN: bool = R::PLAIN;

            fn check(module: &Module, import: &Import) -> Result<(), String> {
                let parameters: &[Parameter] =
                    &[$(($parameter::NAME, $parameter::admits)),*];
                check_signature(module, import, parameters, (R::type_name(), R::admits(module, import)))
            }

            fn call(&mut self, call: &Call<'_>, answer: &mut Option<Answer>) {
                // A function of its own, so that the closure is called with the types of this call.
                fn with<R, $($parameter),*>(
                    mut closure: impl FnMut($($parameter),*) -> R,
                    $($value: $parameter),*
                ) -> R {
                    closure($($value),*)
                }
                $(
                    let Some($value) = call.argument($at) else { return missing(answer) };
                )*
                let _ = call;
                keep(answer, with(self, $($parameter::read($value)),*).into_answer());
            }
        }
    )* };
}

handlers! {
    ()
    (A a 0)
    (A a 0, B b 1)
    (A a 0, B b 1, C c 2)
    (A a 0, B b 1, C c 2, D d 3)
    (A a 0, B b 1, C c 2, D d 3, E e 4)
    (A a 0, B b 1, C c 2, D d 3, E e 4, G g 5)
}
