// Package statefile keeps what must outlive the process in files that people name: they are
// followed where a link leads, and nothing but a regular file is ever opened, renamed or
// replaced. Whoever reads one finds the old text or the new one, whole, whenever the power
// fails; and what cannot be used is moved aside, never lost.
//
//	text, err := statefile.Read(path)
//	err = statefile.Replace(path, text)
//	aside, err := statefile.Aside(path, func(n int) string { return ".damaged-" + strconv.Itoa(n) })
package statefile
