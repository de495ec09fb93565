"""Files become tables, documents, arrays, matrices and volumes."""
