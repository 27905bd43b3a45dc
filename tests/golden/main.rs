//! Values of trusted libraries, checked against ours.
