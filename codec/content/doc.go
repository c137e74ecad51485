// Package content chooses the codec of a payload by its Content-Format, in
// both directions. What a device sends is decoded by the format that it names,
// never by the one that was asked for.
package content
