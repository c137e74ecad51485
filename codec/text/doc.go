// Package text holds the formats of a single value: text/plain (0, OMA Core
// 7.5.1), application/octet-stream (42, 7.5.2) and application/cbor (60,
// 7.5.3). Their payload is one resource or resource instance and carries no
// path; what it is comes from the request and the object model.
package text
