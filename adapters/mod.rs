//! Adapters: runtimes that implement the traits of the seam.
