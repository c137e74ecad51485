// Package model knows what LwM2M objects look like: their resources, data
// types, operations and units, by object ID and object version.
//
// Core is the built-in registry: the objects of the OMA and the common IPSO
// objects. Uploaded definitions (ParseDDF) are laid over it with With, which
// gives a new Registry: every Registry and Object is immutable and shared.
//
//	            Core() ──With(uploads)──▶ Registry
//	                                         │ Object(3303, 1.1)
//	generic decoding ◀── nil ────────────────┴──▶ Object ──Resource(5700)──▶ Float, R
//
// Versions of an object stand side by side; a version that is not known falls
// back to a known one of the same major number, never across.
//
// Names, numbers, types, ranges and units of the built-in objects are facts of
// the OMA registry (see NOTICE); their descriptions are empty. The data are
// made from facts/ by the program in generate/ (docs/formats/objects.md).
package model

//go:generate go run ./generate -out objects.tsv facts/registry.json facts/33629.json
