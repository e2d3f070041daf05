//! Each pass by itself.
