"""The routes of the API, by who asks: systems that route, officers, people who look something up, and machines."""
