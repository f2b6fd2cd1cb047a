package app

// CloseAdmin makes the admin listener fail.
func CloseAdmin(a *App) { _ = a.admin.Close() }
