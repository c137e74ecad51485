// Package jsontext reads JSON arrays and objects label by label and writes
// their scalars: what SenML JSON and OMA JSON have in common. It promises that
// numbers keep all their digits, that labels are told apart by case and may
// not be repeated, and that nothing may follow the value.
package jsontext
