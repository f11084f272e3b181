"""Pure data: programs, problems, spectra, plans. Imports nothing of matrl but its errors."""
