//! What the compiler says to the common mistakes reads well.
//!
//! The texts are those of one compiler version; `TRYBUILD=overwrite` writes them anew.

#[test]
fn common_mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
