"""What data sets tell of themselves: plates and wells, records and their links, tables, SQL."""
