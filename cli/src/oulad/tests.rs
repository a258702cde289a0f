//! What only whole exports show: the real dataset, and files that are broken.

mod bad_input;
mod real;
