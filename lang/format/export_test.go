package format

// Normalize is Expression without its fast path.
var Normalize = normalize

// CompareTokens is what guards a layout.
var CompareTokens = compareTokens
