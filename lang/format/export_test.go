package format

// Normalize is Expression without its fast path.
var Normalize = normalize

// SameTokens is what guards a layout.
var SameTokens = sameTokens
