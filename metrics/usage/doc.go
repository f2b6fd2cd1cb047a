// Package usage keeps who asks, for what, and how it fares: never what is said. USAGE.md says what can be asked of it.
//
// A finished request becomes a [Row]. A [Queue] takes rows from requests and hands them to
// whoever analyses them; it never keeps a request waiting.
package usage
