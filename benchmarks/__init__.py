"""What V-Asset is measured by: each benchmark beside the thing it is compared with, in one run."""
