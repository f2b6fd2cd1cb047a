// Package file finds endpoints in files: JSON or YAML lists, as package discovery reads them.
//
// It reads the files that a path or a pattern names, and reads them again when they have changed and every
// Interval. What they name together is one list. A file that cannot be used keeps what it last said, and the
// others are taken; so a file that is half written does no harm. How changes are noticed is handed in
// (Options.Watch), since the files may be replaced in many ways.
//
//	source, err := file.New(file.Options{Path: "/etc/steelyard/endpoints/*.yaml"})
//	source.Run(ctx, sink)
package file
