//! ConnectWise PSA.
