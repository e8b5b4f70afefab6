"""The program: commands, embedded servers, supervision."""
