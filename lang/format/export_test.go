package format

// Normalize is Expression without its fast path.
var Normalize = normalize
