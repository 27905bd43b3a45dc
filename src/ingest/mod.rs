//! The feeds: what each upstream says, turned into our units and sides once, and on which schedule.
//!
//! Owns HTTP and websocket clients, wire structs, pure parsers and the scheduler. It never computes
//! a metric and knows nothing of the HTTP interface.
