"""What can happen in the community, a file per thing that it happens to. Doors and jobs call these and nothing else."""
